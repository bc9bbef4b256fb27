<?php
// Reads a serialised array in Base64 from each line, and says what it is.
while (($line = fgets(STDIN)) !== false) {
    try {
        $value = @unserialize(base64_decode($line));
        echo is_array($value) ? "hello {$value['user']} of theme {$value['theme']}\n" : "no\n";
    } catch (Throwable $error) {
        echo "no\n";
    }
}
