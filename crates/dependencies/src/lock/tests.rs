use gabion_finding::Ecosystem;
use proptest::prelude::*;

use super::*;
use crate::package::Integrity;

fn inventory(path: &str, text: &str) -> Inventory {
    let source = Source::new(path, text);
    let (inventory, malformed) = read(Format::of(path).unwrap(), &source);
    assert_eq!(malformed, None, "{path}");
    inventory
}

/// `name@version`, in the order of the file, with the line of each.
fn packages(it: &Inventory) -> Vec<String> {
    it.packages.iter().map(|it| format!("{}@{}:{}", it.name, it.version, it.spot.start.line)).collect()
}

fn package<'a>(it: &'a Inventory, name: &str) -> &'a Package {
    it.packages.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("{name} in {it:#?}"))
}

fn asked(it: &Inventory) -> Vec<String> {
    it.requirements.iter().map(|it| format!("{} {}", it.name, it.range)).collect()
}

#[test]
fn npm_1_nests_and_npm_3_is_flat() {
    let nested = inventory(
        "package-lock.json",
        r#"{"name": "a", "lockfileVersion": 1, "requires": true, "dependencies": {
  "a": {"version": "1.0.0", "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz", "integrity": "sha512-x", "requires": {"b": "^2.0.0"},
    "dependencies": {
      "b": {"version": "2.0.0", "resolved": "https://registry.npmjs.org/b/-/b-2.0.0.tgz", "integrity": "sha512-x", "dev": true}}},
  "b": {"version": "npm:bb@1.0.0", "integrity": "sha512-x"},
  "c": {"version": "git+ssh://git@github.com/c/c.git#0123456789012345678901234567890123456789", "from": "c@github:c/c"}}}"#,
    );
    let git = "git+ssh://git@github.com/c/c.git#0123456789012345678901234567890123456789";
    assert_eq!(packages(&nested), ["a@1.0.0:2", "b@2.0.0:4", "bb@1.0.0:5", &format!("c@{git}:6")]);
    assert_eq!(nested.packages[0].needs, ["node_modules/a/node_modules/b"]);
    assert_eq!(nested.packages[1].development, Some(true));
    assert_eq!(nested.packages[3].origin, Origin::Git { address: git.to_owned(), pinned: true });
    let flat = inventory(
        "npm-shrinkwrap.json",
        r#"{"lockfileVersion": 3, "packages": {
  "": {"dependencies": {"a": "^1"}, "devDependencies": {"d": "*"}},
  "node_modules/a": {"version": "1.0.0", "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz", "dependencies": {"b": "2"}, "license": "MIT"},
  "node_modules/a/node_modules/b": {"version": "2.0.0", "resolved": "https://registry.npmjs.org/b/-/b-2.0.0.tgz", "integrity": "sha512-x"},
  "node_modules/b": {"version": "1.0.0", "integrity": "sha512-x", "hasInstallScript": true, "deprecated": "old"},
  "node_modules/d": {"name": "dd", "version": "3.0.0", "dev": true, "integrity": "sha512-x"},
  "node_modules/w": {"resolved": "packages/w", "link": true},
  "packages/w": {"version": "0.1.0", "dependencies": {"b": "1"}}}}"#,
    );
    assert_eq!(packages(&flat), ["a@1.0.0:3", "b@2.0.0:4", "b@1.0.0:5", "dd@3.0.0:6"]);
    let direct: Vec<Option<bool>> = flat.packages.iter().map(|it| it.direct).collect();
    assert_eq!(direct, [Some(true), Some(false), Some(true), Some(true)]);
    assert_eq!(flat.packages[0].integrity, Integrity::Missing);
    assert_eq!(flat.packages[0].needs, ["node_modules/a/node_modules/b"]);
    assert!(flat.packages[2].script && flat.packages[2].deprecated.as_deref() == Some("old"));
    assert_eq!(flat.packages[3].development, Some(true));
}

#[test]
fn yarn_writes_its_own_format_and_then_yaml() {
    let classic = inventory(
        "yarn.lock",
        "# yarn lockfile v1\n\n\n\"@s/a@^1.0.0\", \"@s/a@^1.1.0\":\n  version \"1.2.0\"\n  resolved \"https://registry.yarnpkg.com/@s/a/-/a-1.2.0.tgz#abc\"\n  integrity sha512-x\n  dependencies:\n    b \"^2.0.0\"\n\nb@^2.0.0:\n  version \"2.0.1\"\n  resolved \"https://registry.yarnpkg.com/b/-/b-2.0.1.tgz\"\n\n\"c@npm:cc@^1\":\n  version \"1.0.0\"\n  resolved \"https://registry.yarnpkg.com/cc/-/cc-1.0.0.tgz#1\"\n",
    );
    assert_eq!(packages(&classic), ["@s/a@1.2.0:4", "b@2.0.1:11", "cc@1.0.0:15"]);
    assert_eq!(classic.packages[0].needs, ["b@2.0.1"]);
    assert_eq!(classic.packages[1].integrity, Integrity::Missing);
    assert_eq!(classic.packages[2].integrity, Integrity::Absent);
    let berry = inventory(
        "yarn.lock",
        "__metadata:\n  version: 8\n\n\"@s/a@npm:^1.0.0, @s/a@npm:^1.1.0\":\n  version: 1.2.0\n  resolution: \"@s/a@npm:1.2.0\"\n  dependencies:\n    b: \"npm:^2.0.0\"\n  checksum: 10c0/abc\n  languageName: node\n  linkType: hard\n\n\"b@npm:^2.0.0\":\n  version: 2.0.1\n  resolution: \"b@npm:2.0.1\"\n  languageName: node\n  linkType: hard\n\n\"root@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"root@workspace:.\"\n  dependencies:\n    \"@s/a\": \"npm:^1.0.0\"\n  languageName: unknown\n  linkType: soft\n",
    );
    assert_eq!(packages(&berry), ["@s/a@1.2.0:4", "b@2.0.1:13"]);
    assert_eq!((berry.packages[0].direct, berry.packages[1].direct), (Some(true), Some(false)));
    assert_eq!(
        (&berry.packages[1].integrity, &berry.packages[0].needs[..]),
        (&Integrity::Missing, &["b@2.0.1".to_owned()][..])
    );
}

#[test]
fn pnpm_has_had_three_ways_to_name_a_package() {
    let five = inventory(
        "pnpm-lock.yaml",
        "lockfileVersion: 5.4\nspecifiers:\n  '@s/a': ^1.0.0\n  d: ^3\ndependencies:\n  '@s/a': 1.0.0_react@17.0.2\ndevDependencies:\n  d: 3.0.0\npackages:\n  /@s/a/1.0.0_react@17.0.2:\n    resolution: {integrity: sha512-x}\n    dependencies:\n      b: 2.0.0\n    requiresBuild: true\n    dev: false\n  /b/2.0.0:\n    resolution: {integrity: sha512-x}\n  /d/3.0.0:\n    resolution: {integrity: sha512-x}\n    deprecated: no more\n    dev: true\n",
    );
    assert_eq!(packages(&five), ["@s/a@1.0.0:10", "b@2.0.0:16", "d@3.0.0:18"]);
    assert_eq!(
        five.packages.iter().map(|it| it.development).collect::<Vec<_>>(),
        [Some(false), Some(false), Some(true)]
    );
    assert!(
        five.packages[0].script
            && five.packages[0].direct == Some(true)
            && five.packages[1].direct == Some(false)
    );
    let six = inventory(
        "pnpm-lock.yaml",
        "lockfileVersion: '6.0'\nimporters:\n  .:\n    dependencies:\n      '@s/a':\n        specifier: ^1.0.0\n        version: 1.0.0(react@17.0.2)\npackages:\n  /@s/a@1.0.0(react@17.0.2):\n    resolution: {integrity: sha512-x}\n    dependencies:\n      b: 2.0.0\n  /b@2.0.0:\n    resolution: {}\n",
    );
    assert_eq!(packages(&six), ["@s/a@1.0.0:9", "b@2.0.0:13"]);
    assert_eq!(
        (&six.packages[0].needs[..], &six.packages[1].integrity),
        (&["b@2.0.0".to_owned()][..], &Integrity::Missing)
    );
    assert_eq!(six.asked, Some(vec![("@s/a".to_owned(), "^1.0.0".to_owned())]));
    let nine = inventory(
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      c:\n        specifier: npm:@s/a@^1\n        version: '@s/a@1.0.0(react@17.0.2)'\npackages:\n  '@s/a@1.0.0':\n    resolution: {integrity: sha512-x}\n  b@https://codeload.github.com/b/b/tar.gz/0123456789012345678901234567890123456789:\n    resolution: {tarball: https://codeload.github.com/b/b/tar.gz/0123456789012345678901234567890123456789}\n    version: 2.0.0\n    name: b\nsnapshots:\n  '@s/a@1.0.0(react@17.0.2)':\n    dependencies:\n      x: 1.0.0\n",
    );
    assert_eq!(packages(&nine), ["@s/a@1.0.0:9", "b@2.0.0:11"]);
    assert_eq!(
        (nine.packages[0].direct, &nine.packages[0].needs[..]),
        (Some(true), &["x@1.0.0".to_owned()][..])
    );
    assert!(matches!(nine.packages[1].origin, Origin::Git { pinned: true, .. }));
}

#[test]
fn bun_writes_json_with_commas_at_the_end() {
    let it = inventory(
        "bun.lock",
        r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": { "name": "root", "dependencies": { "@s/a": "^1.0.0", }, "devDependencies": { "d": "3", }, },
  },
  "packages": {
    "@s/a": ["@s/a@1.0.0", "", { "dependencies": { "b": "^2.0.0" } }, "sha512-x"],
    "@s/a/b": ["b@2.0.0", "", {}, "sha512-x"],
    "b": ["b@1.0.0", "", {}],
    "d": ["d@github:d/d#abcdef0", {}, "d-d-abcdef0"],
    "w": ["w@workspace:packages/w"],
  }
}"#,
    );
    assert_eq!(packages(&it), ["@s/a@1.0.0:7", "b@2.0.0:8", "b@1.0.0:9", "d@github:d/d#abcdef0:10"]);
    assert_eq!((&it.packages[0].needs[..], it.packages[0].direct), (&["@s/a/b".to_owned()][..], Some(true)));
    assert_eq!(it.packages[2].integrity, Integrity::Missing);
    assert_eq!(
        (it.packages[3].development, it.packages[3].integrity.clone()),
        (Some(true), Integrity::Absent)
    );
}

#[test]
fn pip_has_lines_options_and_addresses() {
    let it = inventory(
        "requirements.txt",
        "# top\n-r base.txt\n--extra-index-url=https://x.example/simple\nDjango[argon2]==4.2.1 ; python_version >= '3.8'  # why\nrequests>=2,<3\n\nflask==2.0.* \ntool @ git+https://github.com/t/t@main\nurllib3==2.0.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n-e ./own\n-chere.txt\nruamel_yaml (==0.18)\n$$$\n",
    );
    assert_eq!(packages(&it), ["django@4.2.1:4", "urllib3@2.0.0:9", "ruamel-yaml@0.18:14"]);
    assert_eq!(it.refers, ["base.txt", "here.txt"]);
    assert!(it.registries[0].mixed);
    assert_eq!(asked(&it)[..3], ["django ==4.2.1", "requests >=2,<3", "flask ==2.0.*"]);
    assert!(matches!(it.packages[1].integrity, Integrity::Present(_)));
    assert_eq!(it.gaps, ["line 15: `$$$` is no requirement"]);
}

#[test]
fn tools_of_python_have_a_list_each() {
    let poetry = inventory(
        "poetry.lock",
        "[[package]]\nname = \"Flask\"\nversion = \"3.0.0\"\ngroups = [\"main\"]\nfiles = [{file = \"f\", hash = \"sha256:aa\"}]\n[package.dependencies]\nclick = \">=8\"\n\n[[package]]\nname = \"click\"\nversion = \"8.1.0\"\ncategory = \"dev\"\nfiles = []\n[package.source]\ntype = \"git\"\nurl = \"https://github.com/c/c\"\nresolved_reference = \"0123456789012345678901234567890123456789\"\n",
    );
    assert_eq!(packages(&poetry), ["flask@3.0.0:2", "click@8.1.0:10"]);
    assert_eq!((poetry.packages[0].development, poetry.packages[1].development), (Some(false), Some(true)));
    assert_eq!(
        (&poetry.packages[0].needs[..], &poetry.packages[0].integrity),
        (&["click".to_owned()][..], &Integrity::Present("sha256:aa".to_owned()))
    );
    assert!(matches!(poetry.packages[1].origin, Origin::Git { pinned: true, .. }));
    let uv = inventory(
        "uv.lock",
        "version = 1\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"flask\" }]\n[package.dev-dependencies]\ndev = [{ name = \"pytest\" }]\n[package.metadata]\nrequires-dist = [{ name = \"flask\", specifier = \">=3\" }]\n[[package]]\nname = \"flask\"\nversion = \"3.0.0\"\nsource = { registry = \"https://pypi.org/simple\" }\nsdist = { url = \"https://x\", hash = \"sha256:aa\" }\n[[package]]\nname = \"pytest\"\nversion = \"8.0.0\"\nsource = { registry = \"https://pypi.org/simple\" }\nwheels = [{ url = \"https://x\" }]\n",
    );
    assert_eq!(packages(&uv), ["flask@3.0.0:12", "pytest@8.0.0:17"]);
    assert_eq!((uv.packages[0].development, uv.packages[1].development), (Some(false), Some(true)));
    assert_eq!(uv.packages[1].integrity, Integrity::Missing);
    let pdm = inventory(
        "pdm.lock",
        "[[package]]\nname = \"flask\"\nversion = \"3.0.0\"\ngroups = [\"default\"]\ndependencies = [\"click>=8.1\"]\nfiles = [{file = \"x\", hash = \"sha256:aa\"}]\n",
    );
    assert_eq!(pdm.packages[0].needs, ["click"]);
    let pylock = inventory(
        "pylock.toml",
        "lock-version = \"1.0\"\n[[packages]]\nname = \"attrs\"\nversion = \"25.1.0\"\n[[packages.wheels]]\nname = \"a.whl\"\nurl = \"https://x\"\nhashes = {sha256 = \"aa\"}\n[[packages]]\nname = \"own\"\ndirectory = {path = \".\"}\n",
    );
    assert_eq!(
        (packages(&pylock), &pylock.packages[0].integrity),
        (vec!["attrs@25.1.0:3".to_owned()], &Integrity::Present("sha256:aa".to_owned()))
    );
    let pipenv = inventory(
        "Pipfile.lock",
        "{\"_meta\": {\"sources\": [{\"url\": \"https://pypi.org/simple\"}]},\n \"default\": {\n  \"Flask\": {\"version\": \"==3.0.0\", \"hashes\": [\"sha256:aa\"]}},\n \"develop\": {\"pytest\": {\"version\": \"==8.0.0\"}}}",
    );
    assert_eq!(packages(&pipenv), ["flask@3.0.0:3", "pytest@8.0.0:4"]);
    assert_eq!(
        (pipenv.packages[1].development, &pipenv.packages[1].integrity),
        (Some(true), &Integrity::Missing)
    );
}

#[test]
fn cargo_tells_members_of_the_workspace_by_what_they_lack() {
    let it = inventory(
        "Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"a 1.0.0\",\n \"g\",\n]\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"aa\"\ndependencies = [\"a 2.0.0\"]\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\nsource = \"sparse+https://x.example/index/\"\n\n[[package]]\nname = \"g\"\nversion = \"0.2.0\"\nsource = \"git+https://github.com/g/g?branch=main#0123456789012345678901234567890123456789\"\n",
    );
    assert_eq!(packages(&it), ["a@1.0.0:12", "a@2.0.0:19", "g@0.2.0:24"]);
    assert_eq!(
        it.packages.iter().map(|it| it.direct).collect::<Vec<_>>(),
        [Some(true), Some(false), Some(true)]
    );
    assert_eq!(
        (&it.packages[0].needs[..], &it.packages[1].integrity),
        (&["a@2.0.0".to_owned()][..], &Integrity::Missing)
    );
    let one = inventory(
        "Cargo.lock",
        "[root]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)\"]\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n[metadata]\n\"checksum a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)\" = \"aa\"\n",
    );
    assert_eq!(
        (one.packages[0].direct, &one.packages[0].integrity),
        (Some(true), &Integrity::Present("aa".to_owned()))
    );
}

#[test]
fn go_replaces_and_says_what_is_indirect() {
    let it = inventory(
        "go.mod",
        "module example.org/app\n\ngo 1.22.3\n\ntoolchain go1.23.4\n\nrequire (\n\tgithub.com/a/a v1.0.0\n\tgithub.com/b/b v0.0.0-20200101000000-abcdefabcdef // indirect\n\tgithub.com/l/l v1.0.0 // indirect; why\n)\n\nrequire github.com/c/c/v2 v2.0.0+incompatible // note\n\nreplace github.com/a/a => github.com/fork/a v1.0.1\nreplace github.com/l/l v1.0.0 => ../l\n",
    );
    assert_eq!(
        packages(&it),
        [
            "stdlib@1.23.4:5",
            "github.com/fork/a@v1.0.1:8",
            "github.com/b/b@v0.0.0-20200101000000-abcdefabcdef:9",
            "github.com/c/c/v2@v2.0.0+incompatible:13"
        ]
    );
    assert_eq!((it.packages[2].direct, it.packages[3].direct), (Some(false), Some(true)));
    assert!(!packages(&inventory("go.mod", "module a\ngo 1.22\n")).iter().any(|it| it.starts_with("stdlib")));
}

#[test]
fn maven_and_gradle_name_coordinates() {
    let pom = inventory(
        "pom.xml",
        "<?xml version=\"1.0\"?>\n<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n <parent><groupId>org.p</groupId><artifactId>p</artifactId>\n  <version>3.0</version></parent>\n <properties><v>1.${minor}</v><minor>2</minor><loop>${loop}</loop></properties>\n <dependencyManagement><dependencies><dependency><groupId>org.m</groupId><artifactId>m</artifactId><version>9</version></dependency></dependencies></dependencyManagement>\n <dependencies>\n  <dependency><groupId>${project.groupId}</groupId><artifactId>a</artifactId>\n   <version>${v}</version></dependency>\n  <dependency><groupId>org.m</groupId><artifactId>m</artifactId><scope>test</scope></dependency>\n  <dependency><groupId>org.x</groupId><artifactId>x</artifactId><version>${loop}</version></dependency>\n  <dependency><groupId>org.y</groupId><artifactId>y</artifactId><version>[1,2)</version></dependency>\n </dependencies></project>",
    );
    assert_eq!(packages(&pom), ["org.p:p@3.0:4", "org.p:a@1.2:9", "org.m:m@9:10"]);
    assert_eq!(package(&pom, "org.m:m").development, Some(true));
    let lock = inventory(
        "gradle.lockfile",
        "# x\norg.a:a:1.0=compileClasspath,runtimeClasspath\norg.t:t:2.0=testCompileClasspath\nempty=\n",
    );
    assert_eq!(packages(&lock), ["org.a:a@1.0:2", "org.t:t@2.0:3"]);
    assert_eq!((lock.packages[0].development, lock.packages[1].development), (Some(false), Some(true)));
    let build = inventory(
        "app/build.gradle",
        "plugins { id 'java' }\n// implementation 'no:no:1'\ndependencies {\n  implementation 'org.a:a:1.0@aar'\n  testImplementation(\"org.b:b:$v\")\n  api group: 'org.c', name: 'c', version: '3.0'\n  implementation platform('org.d:d:4.0')\n  runtimeOnly(libs.e)\n}\nrepositories { maven { url 'http://x.example/m' } }\n",
    );
    assert_eq!(packages(&build), ["org.a:a@1.0:4", "org.c:c@3.0:6", "org.d:d@4.0:7"]);
    let catalogue = inventory(
        "gradle/libs.versions.toml",
        "[versions]\na = \"1.0\"\nb = { strictly = \"2.0\" }\n[libraries]\na = { module = \"org.a:a\", version.ref = \"a\" }\nb = { group = \"org.b\", name = \"b\", version = { ref = \"b\" } }\nc = \"org.c:c:3.0\"\n",
    );
    assert_eq!(packages(&catalogue), ["org.a:a@1.0:5", "org.b:b@2.0:6", "org.c:c@3.0:7"]);
}

#[test]
fn ruby_php_and_dotnet_are_read() {
    let gems = inventory(
        "Gemfile.lock",
        "GIT\n  remote: https://github.com/g/g\n  revision: 0123456789012345678901234567890123456789\n  specs:\n    g (0.1.0)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.16.5-x86_64-linux)\n      racc (~> 1.4)\n    racc (1.8.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  g!\n  nokogiri (~> 1.16)\n\nCHECKSUMS\n  racc (1.8.0) sha256=aa\n",
    );
    assert_eq!(packages(&gems), ["g@0.1.0:5", "nokogiri@1.16.5:10", "racc@1.8.0:12"]);
    assert_eq!(
        gems.packages.iter().map(|it| it.direct).collect::<Vec<_>>(),
        [Some(true), Some(true), Some(false)]
    );
    assert_eq!(
        (&gems.packages[1].integrity, &gems.packages[1].needs[..]),
        (&Integrity::Missing, &["racc".to_owned()][..])
    );
    let gemfile = inventory(
        "Gemfile",
        "source 'https://rubygems.org'\ngem 'rails', '~> 7.1', '>= 7.1.2'\ngroup :test do\n  gem \"rspec\", require: false\nend\ngem 'x', git: 'https://github.com/x/x', ref: 'main'\n",
    );
    assert_eq!(asked(&gemfile), ["rails ~> 7.1, >= 7.1.2", "rspec ", "x "]);
    assert!(
        gemfile.requirements[1].development
            && matches!(gemfile.requirements[2].origin, Origin::Git { pinned: false, .. })
    );
    let composer = inventory(
        "composer.lock",
        "{\"packages\": [\n{\"name\": \"Monolog/monolog\", \"version\": \"v3.0.0\", \"require\": {\"php\": \">=8\", \"psr/log\": \"^3\"}, \"license\": [\"MIT\"], \"dist\": {\"type\": \"zip\", \"url\": \"https://api.github.com/x\", \"shasum\": \"\"}}],\n\"packages-dev\": [{\"name\": \"a/b\", \"version\": \"dev-main\", \"source\": {\"url\": \"https://x\", \"reference\": \"main\"}, \"abandoned\": true}]}",
    );
    assert_eq!(packages(&composer), ["monolog/monolog@v3.0.0:2", "a/b@dev-main:3"]);
    assert_eq!(
        (&composer.packages[0].needs[..], composer.packages[1].development),
        (&["psr/log".to_owned()][..], Some(true))
    );
    assert_eq!(composer.packages[1].deprecated.as_deref(), Some("abandoned"));
    let nuget = inventory(
        "packages.lock.json",
        "{\"version\": 1, \"dependencies\": {\"net8.0\": {\n\"Newtonsoft.Json\": {\"type\": \"Direct\", \"requested\": \"[13.0.1, )\", \"resolved\": \"13.0.1\", \"contentHash\": \"aa\"},\n\"own\": {\"type\": \"Project\"}, \"X\": {\"type\": \"Transitive\", \"resolved\": \"1.0.0\"}}, \"net9.0\": {\"X\": {\"type\": \"Transitive\", \"resolved\": \"1.0.0\"}}}}",
    );
    assert_eq!(packages(&nuget), ["newtonsoft.json@13.0.1:2", "x@1.0.0:3"]);
    let project = inventory(
        "a.csproj",
        "<Project Sdk=\"x\">\n <PropertyGroup><V>1.2.3</V></PropertyGroup>\n <ItemGroup>\n  <PackageReference Include=\"A\" Version=\"$(V)\" />\n  <PackageReference Include=\"B\"><Version>[2.0.0]</Version></PackageReference>\n  <PackageReference Include=\"C\" Version=\"3.*\" PrivateAssets=\"all\" />\n </ItemGroup>\n</Project>",
    );
    assert_eq!(packages(&project), ["a@1.2.3:4", "b@2.0.0:5"]);
    assert_eq!(asked(&project), ["a 1.2.3", "b [2.0.0]", "c 3.*"]);
}

#[test]
fn manifests_say_what_is_asked_for() {
    let npm = inventory(
        "package.json",
        r#"{"name": "@acme/app", "dependencies": {"a": "^1", "b": "npm:bb@^2", "c": "user/repo#main", "d": "file:../d"}, "devDependencies": {"e": "~3"}, "workspaces": ["packages/*"]}"#,
    );
    assert_eq!(asked(&npm), ["a ^1", "bb ^2", "c user/repo#main", "d file:../d", "e ~3"]);
    assert!(
        matches!(npm.requirements[2].origin, Origin::Git { pinned: false, .. })
            && npm.requirements[4].development
    );
    let python = inventory(
        "pyproject.toml",
        "[project]\nname = \"a\"\ndependencies = [\"flask>=3 ; python_version > '3'\", \"x @ https://x.example/x.whl\"]\n[project.optional-dependencies]\nfast = [\"orjson\"]\n[tool.poetry.dependencies]\npython = \"^3.11\"\ndjango = \"^5\"\n[tool.poetry.group.dev.dependencies]\npytest = {version = \"^8\"}\n",
    );
    assert_eq!(asked(&python), ["flask >=3", "x ", "orjson ", "django ^5", "pytest ^8"]);
    let cargo = inventory(
        "Cargo.toml",
        "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\nx = { package = \"y\", version = \"2\", optional = true }\nown = { path = \"../own\" }\n[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n[workspace.dependencies]\nlog = \"0.4\"\n",
    );
    assert_eq!(asked(&cargo), ["serde 1", "y 2", "own ", "libc 0.2", "log 0.4"]);
    let npmrc = inventory(
        ".npmrc",
        "; x\n@acme:registry=https://npm.acme.example/\n//npm.acme.example/:_authToken=${T}\nregistry = \"https://registry.npmjs.org\"\n",
    );
    assert_eq!(
        npmrc.registries.iter().map(|it| (it.scope.as_str(), it.address.as_str())).collect::<Vec<_>>(),
        [("@acme", "https://npm.acme.example/"), ("", "https://registry.npmjs.org")]
    );
}

const PATHS: &[&str] = &[
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "package.json",
    ".npmrc",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pylock.toml",
    "Pipfile",
    "Pipfile.lock",
    "pyproject.toml",
    "requirements.txt",
    "Cargo.lock",
    "Cargo.toml",
    "go.mod",
    "go.sum",
    "pom.xml",
    "build.gradle",
    "gradle.lockfile",
    "libs.versions.toml",
    "Gemfile",
    "Gemfile.lock",
    "composer.json",
    "composer.lock",
    "packages.lock.json",
    "a.csproj",
    "NuGet.config",
    "bom.json",
    "bom.xml",
    "a.spdx",
    "a.spdx.json",
    "a.spdx3.json",
];

/// Files of several formats, to be cut and mixed.
const SEEDS: &[&str] = &[
    "\"@s/a@^1\":\n  version \"1\"\n  dependencies:\n    b \"^2\"\n__metadata:\n",
    "GEM\n  remote: x\n  specs:\n    a (1)\n      b (~> 1)\nDEPENDENCIES\n  a!\n",
    "require (\n\ta/b v1.0.0 // indirect\n)\nreplace a/b => c v1\n",
    "implementation 'a:b:1'\napi group: 'a', name: \"b\"\nsource 'x'\ngem \"a\", git: 'b'\n",
    "a[b]==1 ; x --hash=sha256:1\n-e .\n--index-url=x\nb @ git+https://h/x@y#egg=z\n",
    "<project><parent/><dependencies><dependency><groupId>${a}</groupId></dependency></dependencies></project>",
    "{\"packages\": {\"\": {}, \"node_modules/a\": {\"version\": \"1\"}}, \"@graph\": [{}]}",
    "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = {git = \"x\"}\n",
    "SPDXVersion: SPDX-2.3\nPackageName: a\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\nRelationship: a DEPENDS_ON b\n",
];

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(
        at in 0..PATHS.len(),
        seed in 0..SEEDS.len(),
        cut in 0_usize..120,
        noise in "[ä\"'<>{}()@#:=;,./\\\\ \n\ta-c0-2!$-]{0,80}",
    ) {
        let seed = SEEDS[seed];
        // The seeds are ASCII.
        let (before, behind) = seed.split_at(cut.min(seed.len()));
        let text = format!("{before}{noise}{behind}");
        let source = Source::new(PATHS[at], &text);
        let (inventory, _) = read(Format::of(PATHS[at]).unwrap(), &source);
        for package in &inventory.packages {
            prop_assert!(Ecosystem::ALL.contains(&package.ecosystem));
            prop_assert!(package.spot.span.end as usize <= text.len());
        }
    }
}
