<?php
// As the other one, of plain data only.
while (($line = fgets(STDIN)) !== false) {
    try {
        $value = @unserialize(base64_decode($line), ['allowed_classes' => false]);
        echo is_array($value) ? "hello {$value['user']} of theme {$value['theme']}\n" : "no\n";
    } catch (Throwable $error) {
        echo "no\n";
    }
}
