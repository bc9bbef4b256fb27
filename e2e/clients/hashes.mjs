// One password, hashed as PHP's password_hash does it (Laravel's Bcrypt driver): bcrypt under the name $2y$.
import bcrypt from 'bcryptjs';

const hash = await bcrypt.hash(process.argv[2], 12);
console.log(hash.replace(/^\$2[abxy]\$/, '$2y$'));
