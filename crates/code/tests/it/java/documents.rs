//! Readers that make objects of what they read, and readers of XML.

use super::{Case, bad, check, good};

fn service(members: &str) -> Vec<(String, String)> {
    let text = format!(
        "package shop;\n\nimport com.fasterxml.jackson.databind.ObjectMapper;\nimport com.thoughtworks.xstream.XStream;\nimport com.thoughtworks.xstream.security.*;\nimport java.io.*;\nimport javax.xml.XMLConstants;\nimport javax.xml.transform.*;\nimport javax.xml.transform.stream.*;\nimport javax.xml.validation.*;\nimport org.springframework.web.bind.annotation.*;\nimport org.xml.sax.*;\nimport org.yaml.snakeyaml.*;\nimport org.yaml.snakeyaml.constructor.*;\n\n\
        @RestController\npublic class Imports {{\n{members}\n}}\n"
    );
    vec![("src/main/java/shop/Imports.java".to_owned(), text)]
}

const OBJECTS: &[Case] = &[
    bad("@PostMapping(\"/a\") void a(@RequestBody String body) { new Yaml().load(body); }"),
    bad(
        "@PostMapping(\"/a\") void a(@RequestBody String body) { Yaml yaml = new Yaml(new Constructor(Object.class)); yaml.load(body); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) { new Yaml(new SafeConstructor(new LoaderOptions())).load(body); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) { Yaml yaml = new Yaml(new SafeConstructor()); yaml.load(body); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { new Yaml().load(new FileReader(\"shop.yaml\")); }",
    ),
    bad(
        "@PostMapping(\"/a\") void a(@RequestBody String body) { XStream stream = new XStream(); stream.fromXML(body); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) { XStream stream = new XStream(); stream.allowTypes(new Class[] { Imports.class }); stream.fromXML(body); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) { XStream stream = new XStream(); stream.addPermission(NoTypePermission.NONE); stream.allowTypesByWildcard(new String[] { \"shop.**\" }); stream.fromXML(body); }",
    ),
    bad(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { ObjectMapper mapper = new ObjectMapper(); mapper.enableDefaultTyping(); mapper.readValue(body, Object.class); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { ObjectMapper mapper = new ObjectMapper(); mapper.readValue(body, Imports.class); }",
    ),
    bad(
        "@PostMapping(\"/a\") void a(InputStream in) throws Exception { new ObjectInputStream(in).readObject(); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(InputStream in) throws Exception { org.apache.commons.io.serialization.ValidatingObjectInputStream objects = new org.apache.commons.io.serialization.ValidatingObjectInputStream(in); objects.accept(Imports.class); objects.readObject(); }",
    ),
];

#[test]
fn readers_of_objects() {
    check("deserialisation", OBJECTS, service);
}

const XML: &[Case] = &[
    bad(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { Transformer t = TransformerFactory.newInstance().newTransformer(); t.transform(new StreamSource(new StringReader(body)), new StreamResult(new StringWriter())); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { TransformerFactory factory = TransformerFactory.newInstance(); factory.setAttribute(XMLConstants.ACCESS_EXTERNAL_DTD, \"\"); Transformer t = factory.newTransformer(); t.transform(new StreamSource(new StringReader(body)), new StreamResult(new StringWriter())); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { TransformerFactory factory = TransformerFactory.newInstance(); factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true); factory.newTransformer().transform(new StreamSource(new StringReader(body)), new StreamResult(new StringWriter())); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { Transformer t = TransformerFactory.newInstance().newTransformer(); t.transform(new StreamSource(new File(\"orders.xml\")), new StreamResult(new StringWriter())); }",
    ),
    bad(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { Validator v = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI).newSchema(new File(\"a.xsd\")).newValidator(); v.validate(new StreamSource(new StringReader(body))); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { Validator v = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI).newSchema(new File(\"a.xsd\")).newValidator(); v.setProperty(XMLConstants.ACCESS_EXTERNAL_DTD, \"\"); v.validate(new StreamSource(new StringReader(body))); }",
    ),
    bad(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { org.apache.commons.digester3.Digester d = new org.apache.commons.digester3.Digester(); d.parse(new StringReader(body)); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { org.apache.commons.digester3.Digester d = new org.apache.commons.digester3.Digester(); d.setFeature(\"http://apache.org/xml/features/disallow-doctype-decl\", true); d.parse(new StringReader(body)); }",
    ),
    bad(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { XMLReader reader = org.xml.sax.helpers.XMLReaderFactory.createXMLReader(); reader.parse(new InputSource(new StringReader(body))); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { XMLReader reader = org.xml.sax.helpers.XMLReaderFactory.createXMLReader(); reader.setFeature(\"http://apache.org/xml/features/disallow-doctype-decl\", true); reader.parse(new InputSource(new StringReader(body))); }",
    ),
];

#[test]
fn readers_of_xml() {
    check("java.xxe", XML, service);
}

const STYLES: &[Case] = &[
    bad(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { TransformerFactory.newInstance().newTransformer(new StreamSource(new StringReader(body))); }",
    ),
    good(
        "@PostMapping(\"/a\") void a(@RequestBody String body) throws Exception { TransformerFactory.newInstance().newTransformer(new StreamSource(new File(\"page.xsl\"))); }",
    ),
];

#[test]
fn stylesheets() {
    check("code.injection", STYLES, service);
}
