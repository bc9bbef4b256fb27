//! What looks like a secret and is none.

use gabion_secrets::Secrets;

#[test]
fn harmless_texts_are_silent() {
    let secrets = Secrets::new().unwrap();
    for (path, text) in [
        ("package-lock.json", "\"integrity\": \"sha512-W7s+uC5bikET2twEFgqq8fGk1vJ6d3K9aWzLmQ7Kx2vBn9mWzR4tYc8LpQ1sDf6GhJk3MnPb5VwXyZ0Aq7Kx2w==\""),
        ("index.html", "<script src=\"a.js\" integrity=\"sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC\"></script>"),
        ("app.py", "password = os.environ[\"DB_PASSWORD\"]\napi_key = config.get('api_key')\ntoken = request.headers['X-Token']\n"),
        ("app.ts", "const password = process.env.PASSWORD;\ntype Login = { password: string; token?: string };\nthis.token = response.data.token;\n"),
        ("app.java", "String password = getPassword();\nprivate static final String PASSWORD_FIELD = \"password\";\nresources.getString(\"login.password.label\");\n"),
        ("form.html", "<input type=\"password\" name=\"password\" placeholder=\"Your password\" autocomplete=\"current-password\">"),
        ("main.go", "token := os.Getenv(\"TOKEN\")\nif password == \"\" {\n\treturn errors.New(\"password is required\")\n}\n"),
        ("compose.yaml", "environment:\n  POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}\n  API_KEY: ${API_KEY:?required}\n"),
        (".github/workflows/ci.yml", "env:\n  TOKEN: ${{ secrets.GITHUB_TOKEN }}\n  NPM_TOKEN: ${{ secrets.NPM_TOKEN }}\npermissions:\n  id-token: write\n"),
        ("k8s.yaml", "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: shop\n      key: password\n"),
        ("README.md", "Set `API_KEY=<your api key>` and `export TOKEN=xxxxxxxxxxxx`. The password: a long one.\nUse `Authorization: Bearer <token>`.\n"),
        ("main.tf", "password = var.db_password\nsecret_key = random_password.this.result\nkey = \"environments/production/terraform.tfstate\"\n"),
        ("lib.rs", "let key = format!(\"{prefix}:{id}\");\nlet token: &str = parser.next_token();\nconst KEY: &str = \"content-type\";\n"),
        ("en.json", "{\"password\": \"Password\", \"forgot_password\": \"Forgot your password?\", \"token\": \"Token\"}"),
        ("id_ed25519.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHgXq0pTn3hN5vJ2Kc8yWf1mRz4uQbLd7oPsGtEiAj9x lena@acme.io"),
        ("a.yaml", "image: shop@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\ncommit: 8a1f4c7e29b65d03a8e2c41f7b9d6035e1c84a7f\n"),
        ("a.c", "static const char *keys[] = { \"alpha\", \"beta\" };\nfor (key = 0; key < count; key++) token = strtok(NULL, \" \");\n"),
        ("docs/jwt.md", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"),
        ("docs/aws.md", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"),
        ("a.sql", "SELECT password_hash FROM users WHERE token = $1 AND api_key = ?;\nALTER ROLE shop PASSWORD :'password';\n"),
        ("users.json", "{\"password\": \"$2b$12$KIXQ7Kx2vBn9mWzR4tYc8eLpQ1sDf6GhJk3MnPb5VwXyZ0Aq7Kx2v\"}"),
        ("a.properties", "spring.datasource.password=${DB_PASSWORD}\nkey.serializer=org.apache.kafka.common.serialization.StringSerializer\n"),
        ("a.js", "const url = \"postgres://user:password@localhost:5432/db\".replace(\"password\", encode(p));\nlocalStorage.setItem('token', token);\n".replace("postgres://user:password@localhost:5432/db", "https://acme.io/a@b:c").as_str()),
        ("a.py", "connect(f\"host={host} user={user} password={password}\")\nlog(\"user=%s password=%s\", user, hidden)\n"),
        ("a.ts", "const SECRET_KEY = 'shop.secretOpened';\nconst secretKey = 'change-me-2024';\nconst sessionSecret = 'your-secret-key-1';\n"),
        ("strings.xml", "<string name=\"password_hint\">Enter your password</string>"),
        ("forms.py", "fields = (\"usable_password\", \"password1\", \"password2\")\nattrs={\"autocomplete\": \"current-password\", \"autofocus\": True}\n"),
        ("call.sh", "PASSWORD_FILE=/run/secrets/db docker run shop\ncurl -H \"X-Api-Key: $API_KEY\" https://api.acme.io\n"),
        ("Dockerfile", "ENV DB_PASS ${DB_PASS}\nENV TOKEN_FILE /run/secrets/token\n"),
        ("licenses.json", "{\"license_key\": \"lgpl-2.1-rxtx\", \"spdx_license_key\": \"HPND-Markus-Kuhn\"}"),
        ("policy.js", "actions: [\n  \"s3:BypassGovernanceRetention\",\n  \"rds:CopyDBSnapshot\"\n]\nwords: [\"crypt\", \"password\", \"pbkdf\"]\n"),
        ("manual.md", "To suppress the index pass `showindex=\"never\"`.\n"),
        ("vectors.rs", "let secret = b\"\\x9b\\xbe\\x43\\x6b\\xa9\\x40\\xf0\\x17\\xb1\\x76\\x52\\x84\";\n"),
        ("sealed.yaml", "kind: SealedSecret\nspec:\n  encryptedData:\n    password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq7Kx2vBn9mWzR4tYc8LpQ1sDf6GhJkq7Kx2vBn9mWzR4t\n"),
    ] {
        let (found, unread) = secrets.matches(path, text);
        let loud: Vec<String> = found.iter().map(|found| format!("{} {:?}", found.rule.id, found.span.of(text))).collect();
        assert!(loud.is_empty() && unread.is_none(), "{path}: {loud:?}");
    }
}
