//! Random numbers, cookies, hashes and ciphers.

use super::{Case, bad, check, good, page};

const RANDOM: &[Case] = &[
    bad(
        "int r = new java.util.Random().nextInt(); String rememberMeKey = Integer.toString(r); request.getSession().setAttribute(\"k\", rememberMeKey);",
    ),
    good(
        "int r = new java.security.SecureRandom().nextInt(); String rememberMeKey = Integer.toString(r); request.getSession().setAttribute(\"k\", rememberMeKey);",
    ),
    bad(
        "double value = java.lang.Math.random(); String key = Double.toString(value).substring(2); response.addCookie(new Cookie(\"k\", key));",
    ),
    good(
        "double value = java.lang.Math.random(); String key = Double.toString(value).substring(2); response.getWriter().println(key);",
    ),
    bad(
        "float rand = new java.util.Random().nextFloat(); String key = Float.toString(rand).substring(2); request.getSession().setAttribute(\"k\", key);",
    ),
    bad(
        "long l = new java.util.Random().nextLong(); String key = Long.toString(l); Cookie c = new Cookie(\"k\", key); c.setSecure(true); response.addCookie(c);",
    ),
    bad(
        "double g = new java.util.Random().nextGaussian(); String key = \"a\" + g; request.getSession().setAttribute(\"k\", key);",
    ),
    bad(
        "byte[] bytes = new byte[10]; new java.util.Random().nextBytes(bytes); String key = Base64.getEncoder().encodeToString(bytes); request.getSession().setAttribute(\"k\", key);",
    ),
    good(
        "byte[] bytes = new byte[10]; new java.security.SecureRandom().nextBytes(bytes); String key = Base64.getEncoder().encodeToString(bytes); request.getSession().setAttribute(\"k\", key);",
    ),
    good(
        "java.util.Random numbers = java.security.SecureRandom.getInstance(\"SHA1PRNG\"); request.getSession().setAttribute(\"k\", Integer.toString(numbers.nextInt(99)));",
    ),
    good(
        "try { double g = java.security.SecureRandom.getInstance(\"SHA1PRNG\").nextGaussian(); request.getSession().setAttribute(\"k\", Double.toString(g).substring(2)); } catch (java.security.NoSuchAlgorithmException e) { throw new ServletException(e); }",
    ),
    bad(
        "double stuff = new java.util.Random().nextGaussian(); String key = Double.toString(stuff).substring(2); boolean known = false; String name = \"remember\" + getClass().getName(); Cookie[] all = request.getCookies(); if (all != null) { for (int i = 0; !known && i < all.length; i++) { Cookie one = all[i]; if (name.equals(one.getName()) && one.getValue().equals(request.getSession().getAttribute(name))) { known = true; } } } if (known) { response.getWriter().println(\"back\"); } else { Cookie remember = new Cookie(name, key); remember.setSecure(true); request.getSession().setAttribute(name, key); response.addCookie(remember); }",
    ),
    good(
        "double stuff = new java.security.SecureRandom().nextGaussian(); String key = Double.toString(stuff).substring(2); String name = \"remember\"; Cookie remember = new Cookie(name, key); remember.setSecure(true); request.getSession().setAttribute(name, key); response.addCookie(remember);",
    ),
    bad("String token = \"\" + (int) (Math.random() * 100000);"),
    good("int delay = (int) (Math.random() * 1000);"),
    bad(
        "String code = org.apache.commons.lang3.RandomStringUtils.randomAlphanumeric(20); String resetToken = code;",
    ),
    bad("int otp = new Random().nextInt(900000) + 100000;"),
    bad(
        "String[] all = { \"a\", \"b\" }; String password = all[new Random().nextInt(2)] + all[new Random().nextInt(2)];",
    ),
];

const COOKIES: &[Case] = &[
    bad("Cookie c = new Cookie(\"a\", \"v\"); c.setSecure(false); response.addCookie(c);"),
    good("Cookie c = new Cookie(\"a\", \"v\"); c.setSecure(true); response.addCookie(c);"),
    bad(
        "Cookie c = new Cookie(\"a\", request.getParameter(\"v\")); c.setSecure(false); c.setPath(request.getRequestURI()); response.addCookie(c);",
    ),
    good(
        "Cookie c = new Cookie(\"a\", request.getParameter(\"v\")); c.setSecure(true); c.setPath(request.getRequestURI()); response.addCookie(c);",
    ),
    bad(
        "javax.servlet.http.Cookie c = new javax.servlet.http.Cookie(\"a\", \"v\"); c.setMaxAge(60); response.addCookie(c);",
    ),
    good(
        "javax.servlet.http.Cookie c = new javax.servlet.http.Cookie(\"a\", \"\"); c.setMaxAge(0); response.addCookie(c);",
    ),
    bad(
        "String text = \"?\"; Object value = request.getParameter(\"v\"); if (value instanceof String) text = ((String) value); if (\"\".equals(text)) text = \"none\"; Cookie c = new Cookie(\"a\", text); c.setSecure(false); c.setHttpOnly(true); c.setPath(request.getRequestURI()); response.addCookie(c);",
    ),
    good(
        "String text = \"?\"; Object value = request.getParameter(\"v\"); if (value instanceof String) text = ((String) value); if (\"\".equals(text)) text = \"none\"; Cookie c = new Cookie(\"a\", text); c.setSecure(true); c.setHttpOnly(true); c.setPath(request.getRequestURI()); response.addCookie(c);",
    ),
    good("Cookie c = new Cookie(\"a\", \"v\"); boolean on = true; c.setSecure(on); response.addCookie(c);"),
    good("Cookie c = new Cookie(\"a\", \"v\"); c.setSecure(request.isSecure()); response.addCookie(c);"),
];

const HASHES: &[Case] = &[
    bad(
        "try { java.security.MessageDigest md = java.security.MessageDigest.getInstance(\"MD5\"); } catch (Exception e) { }",
    ),
    good(
        "try { java.security.MessageDigest md = java.security.MessageDigest.getInstance(\"SHA-512\"); } catch (Exception e) { }",
    ),
    bad(
        "try { java.security.MessageDigest md = java.security.MessageDigest.getInstance(\"SHA1\", \"SUN\"); } catch (Exception e) { }",
    ),
    good(
        "try { java.security.MessageDigest md = java.security.MessageDigest.getInstance(\"sha-384\", java.security.Security.getProviders()[0]); } catch (Exception e) { }",
    ),
    bad(
        "String name = \"M\" + \"D5\"; java.security.MessageDigest md = java.security.MessageDigest.getInstance(name);",
    ),
    bad(
        "java.util.Properties p = new java.util.Properties(); p.load(this.getClass().getClassLoader().getResourceAsStream(\"shop.properties\")); String name = p.getProperty(\"hash.old\", \"SHA512\"); java.security.MessageDigest md = java.security.MessageDigest.getInstance(name);",
    ),
    good(
        "java.util.Properties p = new java.util.Properties(); p.load(this.getClass().getClassLoader().getResourceAsStream(\"shop.properties\")); String name = p.getProperty(\"hash.new\", \"MD5\"); java.security.MessageDigest md = java.security.MessageDigest.getInstance(name);",
    ),
    bad(
        "java.util.Properties p = new java.util.Properties(); p.load(Page.class.getResourceAsStream(\"/shop.properties\")); java.security.MessageDigest md = java.security.MessageDigest.getInstance(p.getProperty(\"hash.none\", \"MD5\"));",
    ),
    good(
        "java.util.Properties p = new java.util.Properties(); try (InputStream in = new FileInputStream(\"shop.properties\")) { p.load(in); } java.security.MessageDigest md = java.security.MessageDigest.getInstance(p.getProperty(\"hash.new\"));",
    ),
    bad(
        "java.util.ResourceBundle b = java.util.ResourceBundle.getBundle(\"shop\"); java.security.MessageDigest md = java.security.MessageDigest.getInstance(b.getString(\"hash.old\"));",
    ),
];

const CIPHERS: &[Case] = &[
    bad("javax.crypto.Cipher c = javax.crypto.Cipher.getInstance(\"DES/CBC/PKCS5Padding\", \"SunJCE\");"),
    good("javax.crypto.Cipher c = javax.crypto.Cipher.getInstance(\"AES/GCM/NOPADDING\");"),
    bad("javax.crypto.Cipher c = javax.crypto.Cipher.getInstance(\"AES\");"),
    bad("javax.crypto.Cipher c = javax.crypto.Cipher.getInstance(\"AES/ECB/PKCS5Padding\");"),
    bad("javax.crypto.Cipher c = javax.crypto.Cipher.getInstance(\"DESede/ECB/PKCS5Padding\");"),
    bad("javax.crypto.KeyGenerator g = javax.crypto.KeyGenerator.getInstance(\"DES\");"),
    good("javax.crypto.KeyGenerator g = javax.crypto.KeyGenerator.getInstance(\"AES\");"),
    good(
        "java.util.Properties p = new java.util.Properties(); p.load(getServletContext().getResourceAsStream(\"/WEB-INF/classes/shop.properties\")); javax.crypto.Cipher c = javax.crypto.Cipher.getInstance(p.getProperty(\"cipher\", \"DESede/ECB/PKCS5Padding\"));",
    ),
];

const SETTINGS: &str =
    "# of the shop\nhash.old = MD5\nhash.new: SHA-256\ncipher=AES/CCM/NoPadding\nlong=a\\\n  b\n";

#[test]
fn secrets() {
    check("java.weak-random", RANDOM, page);
    check("java.cookie-not-secure", COOKIES, page);
    let with_settings = |body: &str| {
        let mut files = page(body);
        files.push(("src/main/resources/shop.properties".to_owned(), SETTINGS.to_owned()));
        files
    };
    check("crypto.weak-hash", HASHES, with_settings);
    check("crypto.weak-cipher", CIPHERS, with_settings);
}
