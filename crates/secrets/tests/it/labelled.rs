//! Secrets as people write them, all of which must be seen at medium confidence or above.

use gabion_finding::Confidence;
use gabion_secrets::Secrets;

const DRAWN: &str = "q7Kx2vBn9mWzR4tYc8LpQ1sDf6";
const HEX: &str = "7f3c9a1e52b84d069e7bc81f4a2d6035";

#[test]
fn secrets_in_every_language_are_seen() {
    let secrets = Secrets::new().unwrap();
    let mut missed = Vec::new();
    for (path, text) in [
        ("src/a.py", "DB_PASSWORD = 'Tr0ub4dor-3'".to_owned()),
        ("src/a.py", format!("client = Client(api_key=\"{DRAWN}\", timeout=3)")),
        ("src/a.py", format!("headers = {{'X-Api-Key': '{HEX}'}}")),
        ("src/a.py", format!("SECRET_KEY = os.environ.get('SECRET_KEY', '{DRAWN}')")),
        ("src/a.py", format!("app.config['JWT_SECRET'] = '{DRAWN}'")),
        ("src/a.py", "conn = connect(host='db', user='lena', password='s3cr3t!pw')".to_owned()),
        ("src/a.js", format!("const authToken = '{DRAWN}';")),
        ("src/a.js", "module.exports = { username: 'lena', password: 'Sommer2019' };".to_owned()),
        ("src/a.js", format!("session({{ secret: '{DRAWN}' }})")),
        ("src/a.ts", format!("private readonly apiKey: string = \"{DRAWN}\";")),
        ("src/a.ts", format!("const url = `https://api.acme.io/v1?api_key={DRAWN}&page=1`;")),
        ("src/A.java", "private static final String DB_PASSWORD = \"Tr0ub4dor-3\";".to_owned()),
        ("src/A.java", "dataSource.setPassword(\"Tr0ub4dor-3\");".to_owned()),
        ("src/A.java", "properties.setProperty(\"db.password\", \"Tr0ub4dor-3\");".to_owned()),
        ("src/a.go", format!("cfg := Config{{Token: \"{DRAWN}\"}}")),
        ("src/a.go", format!("const clientSecret = \"{HEX}\"")),
        ("src/a.rs", format!("let api_key = String::from(\"{DRAWN}\");")),
        ("src/a.cs", "var cs = \"Server=db;Database=shop;User Id=sa;Password=Tr0ub4dor-3;\";".to_owned()),
        ("src/a.php", "define('DB_PASSWORD', 'Tr0ub4dor-3');".to_owned()),
        ("src/a.php", "$config['password'] = 'Tr0ub4dor-3';".to_owned()),
        ("src/a.rb", "config.secret_token = '".to_owned() + HEX + "'"),
        ("src/a.rb", "password: 'Tr0ub4dor-3',".to_owned()),
        ("src/a.kt", format!("val accessToken: String = \"{DRAWN}\"")),
        ("src/a.swift", format!("let apiKey = \"{DRAWN}\"")),
        ("src/a.c", "#define WIFI_PASSWORD \"Tr0ub4dor-3\"".to_owned()),
        ("src/a.scala", "val password = \"Tr0ub4dor-3\"".to_owned()),
        ("a.yaml", "db:\n  password: Tr0ub4dor-3\n".to_owned()),
        ("a.yml", format!("  client_secret: {HEX}\n")),
        ("compose.yaml", "    environment:\n      - MYSQL_ROOT_PASSWORD=Tr0ub4dor3\n".to_owned()),
        ("a.properties", "spring.datasource.password=Tr0ub4dor-3\n".to_owned()),
        ("a.ini", "[smtp]\npassword = Tr0ub4dor-3\n".to_owned()),
        (".env", format!("API_TOKEN={DRAWN}\nOTHER=1\n")),
        ("Dockerfile", format!("ENV API_KEY={DRAWN}\n")),
        ("a.sh", "mysqladmin status --password=Tr0ub4dor-3\n".to_owned()),
        ("a.sh", "tool --user lena --password Tr0ub4dor-3 --verbose\n".to_owned()),
        ("a.tf", "  master_password = \"Tr0ub4dor-3\"\n".to_owned()),
        ("a.toml", format!("secret_key = \"{DRAWN}\"\n")),
        ("a.json", "{ \"username\": \"lena\", \"password\": \"Tr0ub4dor-3\" }".to_owned()),
        ("a.json", "{\"body\": \"{\\\"password\\\": \\\"Tr0ub4dor-3\\\"}\"}".to_owned()),
        ("a.xml", "<password>Tr0ub4dor-3</password>".to_owned()),
        ("web.config", "<add key=\"ApiPassword\" value=\"Tr0ub4dor-3\" />".to_owned()),
        (
            "web.config",
            "<add connectionString=\"Server=db;User ID=sa;Password=Tr0ub4dor-3;Encrypt=true\" />".to_owned(),
        ),
        ("a.http", format!("Authorization: Bearer {DRAWN}\n")),
        ("a.md", "    export DB_PASSWORD=Tr0ub4dor-3\n".to_owned()),
        ("a.sql", "CREATE USER shop IDENTIFIED BY 'Tr0ub4dor-3';".to_owned()),
        ("a.ps1", "$password = \"Tr0ub4dor-3\"".to_owned()),
        ("src/a.py", "app.secret_key = 'harbour_pilot_secret_key_1987'".to_owned()),
        ("src/a.js", "const jwtSecret = 'harbour-pilot-of-1987';".to_owned()),
        ("a.properties", "jwt.secret=HarbourPilot1987SignsAllTokens\n".to_owned()),
        ("src/a.kt", "const val ENCRYPTION_KEY = \"v7x/B?E(H+MbQeTh\"".to_owned()),
        ("src/a.php", "define('AUTH_KEY', 'w|P-q>3s!?~D`h8=k9<+Zx&v5}T$w2@F#mN*cR^yU(bJ)eL7');".to_owned()),
        ("src/a.py", "connect(\"host=db dbname=shop user=lena password=Tr0ub4dor3\")".to_owned()),
        ("src/a.go", "sql.Open(\"postgres\", \"user=lena password=Tr0ub4dor3 sslmode=disable\")".to_owned()),
        ("deploy.sh", "docker run -e MYSQL_ROOT_PASSWORD=Tr0ub4dor3 mysql:8\n".to_owned()),
        ("deploy.sh", "mysql -u root --password=Tr0ub4dor3 shop\n".to_owned()),
        ("Dockerfile", "ENV DB_PASS Tr0ub4dor3\n".to_owned()),
        ("a.sh", format!("curl -H \"X-Auth-Token: {HEX}\" https://api.acme.io\n")),
        ("src/a.php", format!("$headers = ['X-Api-Key: {HEX}'];")),
        ("src/a.go", "var jwtKey = []byte(\"harbour_pilot_91\")".to_owned()),
        ("src/a.py", "JWT_SECRET = 'harbourpilotsigns'".to_owned()),
    ] {
        let (found, _) = secrets.matches(path, &text);
        if !found.iter().any(|found| found.confidence >= Confidence::Medium) {
            let low: Vec<&str> = found.iter().map(|found| found.rule.id.as_str()).collect();
            missed.push(format!("{path}: {text} {low:?}"));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}
