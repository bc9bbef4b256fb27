//! A contract with one of everything.

use std::collections::BTreeMap;

use gabion_model::Problem;
use gabion_openapi::{Contract, Fault, Fields, Loaded, Match, Options, Refusal};

pub(crate) const SHOP: &str = r##"openapi: 3.1.0
info: { title: Shop, version: '1' }
servers:
  - url: https://{place}.example/v1
    variables: { place: { default: shop } }
paths:
  /orders:
    parameters:
      - { name: X-Trace, in: header, schema: { type: string, format: uuid } }
    get:
      operationId: listOrders
      parameters:
        - { name: page, in: query, schema: { type: integer, minimum: 1, maximum: 99 } }
        - { name: state, in: query, schema: { type: array, maxItems: 3, items: { enum: [open, paid] } } }
        - { name: near, in: query, explode: false, schema: { type: array, items: { type: number } } }
        - { name: words, in: query, style: spaceDelimited, explode: false, schema: { type: array, items: { type: string } } }
        - { name: ids, in: query, style: pipeDelimited, explode: false, schema: { type: array, items: { type: integer } } }
        - { name: filter, in: query, style: deepObject, schema: { type: object, properties: { min: { type: integer }, tag: { type: array, items: { type: string } } } } }
        - { name: where, in: query, content: { application/json: { schema: { type: object, properties: { a: { type: integer } } } } } }
        - { name: theme, in: cookie, schema: { enum: [dark, light] } }
        - { name: X-Days, in: header, schema: { type: array, items: { type: string, format: date } } }
      responses:
        '200':
          description: all
          content:
            application/json:
              schema: { type: array, maxItems: 100, items: { $ref: '#/components/schemas/Order' } }
        '302': { description: elsewhere }
        4XX:
          description: wrong
          content: { application/problem+json: { schema: { type: object, properties: { title: { type: string } } } } }
    post:
      operationId: order
      requestBody:
        required: true
        content:
          application/json:
            schema: { $ref: '#/components/schemas/Order' }
          application/x-www-form-urlencoded:
            schema: { $ref: '#/components/schemas/Order' }
          text/plain: { schema: { type: string, maxLength: 20 } }
          multipart/form-data:
            schema:
              type: object
              required: [note]
              properties:
                note: { type: string, maxLength: 10 }
                count: { type: integer }
                detail: { type: object, properties: { a: { type: boolean } } }
                picture: { type: string, contentMediaType: image/png, maxLength: 8 }
            encoding: { picture: { contentType: 'image/png, image/jpeg' } }
      responses: { '201': { description: done, content: { application/json: { schema: { $ref: '#/components/schemas/Order' } } } } }
  /orders/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer, maximum: 9007199254740993 } }
    get:
      responses: { '204': { description: none } }
    delete:
      deprecated: true
      x-deprecated-at: '2026-01-01'
      x-sunset: '2026-12-31'
      responses: { '204': { description: gone } }
  /orders/latest:
    get: { responses: { '200': { description: fine, content: { text/plain: {} } } } }
  /m/{point}/{list}/{map}:
    get:
      parameters:
        - { name: point, in: path, required: true, style: matrix, explode: true, schema: { type: object, properties: { x: { type: integer }, y: { type: integer } } } }
        - { name: list, in: path, required: true, style: label, schema: { type: array, items: { type: integer } } }
        - { name: map, in: path, required: true, schema: { type: object, properties: { a: { type: integer } } } }
      responses: { '204': { description: none } }
components:
  schemas:
    Order:
      type: object
      required: [sku]
      properties:
        id: { type: integer, readOnly: true }
        sku: { type: string, pattern: '^[A-Z]{2}[0-9]+$', maxLength: 12 }
        count: { type: integer, minimum: 1 }
        secret: { type: string, writeOnly: true, maxLength: 40 }
        parts: { type: array, maxItems: 4, items: { $ref: '#/components/schemas/Part' } }
    Part: { type: object, properties: { sku: { type: string, maxLength: 12 }, part: { $ref: '#/components/schemas/Part' } } }
"##;

pub(crate) fn load(text: &str, options: &Options) -> Result<Loaded, Vec<Problem>> {
    let files = BTreeMap::from([("shop.yaml".to_owned(), text.to_owned())]);
    Contract::load(&files, "shop.yaml", options)
}

#[track_caller]
pub(crate) fn shop(options: &Options) -> Contract {
    load(SHOP, options).unwrap().contract
}

/// Header fields of a test.
pub(crate) struct Head<'h>(pub(crate) &'h [(&'h str, &'h str)]);

impl Fields for Head<'_> {
    fn all<'s>(&'s self, name: &str) -> Vec<&'s [u8]> {
        self.0.iter().filter(|(own, _)| *own == name).map(|(_, value)| value.as_bytes()).collect()
    }
}

/// The faults of a request's head, as `place: rule`.
#[track_caller]
pub(crate) fn head(contract: &Contract, method: &str, target: &str, fields: &[(&str, &str)]) -> Vec<String> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let Match::Operation(matched) = contract.operation(method, path) else {
        panic!("no operation: {target}")
    };
    match matched.head(query, &Head(fields)) {
        Ok(()) => Vec::new(),
        Err(refusal) => faults(refusal),
    }
}

pub(crate) fn faults(refusal: Refusal) -> Vec<String> {
    let told = |fault: Fault| format!("{}: {}", fault.place, fault.rule);
    match refusal {
        Refusal::Faults(faults) => faults.into_iter().map(told).collect(),
        other => vec![format!("{other:?}")],
    }
}
