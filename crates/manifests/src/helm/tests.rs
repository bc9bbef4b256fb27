//! Charts as people write them.

use std::collections::BTreeMap;

use gabion_finding::Source;
use proptest::prelude::*;

use super::{Rendered, render};

fn chart(files: &[(&str, &str)]) -> Vec<Rendered> {
    let sources: Vec<(String, Source)> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Source::new(&format!("c/{name}"), text)))
        .collect();
    let map: BTreeMap<&str, &Source> = sources.iter().map(|(name, source)| (name.as_str(), source)).collect();
    render(&map)
}

const HELPERS: &str = "{{/* names */}}\n{{- define \"app.name\" -}}\n{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix \"-\" }}\n{{- end }}\n\
    {{- define \"app.labels\" -}}\napp: {{ include \"app.name\" . }}\nversion: {{ .Chart.Version | quote }}\n{{- end }}\n";
const VALUES: &str = "image:\n  repository: nginx\n  tag: \"\"\nsecurityContext:\n  privileged: true\nports: [80, 443]\nenabled: false\nenv:\n  A: \"1\"\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include \"app.name\" . }}
  labels:
    {{- include \"app.labels\" . | nindent 4 }}
spec:
  template:
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: \"{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}\"
          {{- with .Values.securityContext }}
          securityContext:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
          {{- range $i, $p := .Values.ports }}
            - containerPort: {{ $p }}
          {{- end }}
          {{- if .Values.enabled }}
          tty: true
          {{- else if eq .Values.image.repository \"nginx\" }}
          stdin: true
          {{- end }}
";

#[test]
fn a_chart_is_rendered_and_lines_lead_back() {
    let made = chart(&[
        ("Chart.yaml", "name: shop\nversion: 1.0.0\nappVersion: \"2.1\"\n"),
        ("values.yaml", VALUES),
        ("templates/_helpers.tpl", HELPERS),
        ("templates/deployment.yaml", DEPLOYMENT),
    ]);
    let one = &made[0];
    assert_eq!(one.gaps, [], "{}", one.source.text());
    let root = &one.roots[0];
    assert_eq!(root.str_at("metadata.name"), Some("shop"));
    assert_eq!(root.str_at("metadata.labels.version"), Some("1.0.0"));
    let container = &root.at("spec.template.spec.containers").unwrap().items()[0];
    assert_eq!(container.str_at("image"), Some("nginx:2.1"));
    assert_eq!(container.str_at("securityContext.privileged"), Some("true"));
    assert_eq!(container.get("ports").unwrap().items().len(), 2);
    assert_eq!((container.get("tty"), container.str_at("stdin")), (None, Some("true")));
    let place = container.at("securityContext").unwrap().entry("privileged").unwrap().key_span;
    let line = one.source.lines().line(place.start);
    assert_eq!(one.lines[line as usize - 1], 15, "{:?}\n{}", one.lines, one.source.text());
    let image = one.source.lines().line(container.get("image").unwrap().span.start);
    assert_eq!(one.lines[image as usize - 1], 12);
}

#[test]
fn what_only_helm_knows_stays_open_and_is_said() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ lookup \"v1\" \"Pod\" }}\nspec:\n  securityContext:\n    {{- include \"other.lib\" . | nindent 4 }}\n  hostNetwork: true\n";
    let made = chart(&[("Chart.yaml", "name: a\n"), ("templates/pod.yaml", text)]);
    let details: Vec<&str> = made[0].gaps.iter().map(|gap| gap.detail.as_str()).collect();
    assert_eq!(
        details,
        [
            "line 4: the function `lookup` is only known to Helm",
            "line 7: the template `other.lib` is only known to Helm"
        ]
    );
    let root = &made[0].roots[0];
    assert!(root.at("metadata.name").unwrap().is_unknown());
    assert!(root.at("spec.securityContext").unwrap().entry(super::OPEN).is_some());
    assert_eq!(root.str_at("spec.hostNetwork"), Some("true"));
}

#[test]
fn copying_everything_again_and_again_is_cut_off() {
    let values: String = (0..2_000).map(|at| format!("k{at}: {{a: [1, 2, 3]}}\n")).collect();
    let template = format!(
        "{}a: {{{{ list {} | len }}}}\n",
        "# {{ .Values | toYaml | len }}\n".repeat(3_000),
        ". ".repeat(3_000)
    );
    let made =
        chart(&[("Chart.yaml", "name: a\n"), ("values.yaml", &values), ("templates/x.yaml", &template)]);
    assert!(!made[0].gaps.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_template_is_rendered_or_said(text in "(\\{\\{|\\}\\}|-| |\n|if|end|else|range|define|include|\"a\"|\\.|\\$x|:=|a:|\\||toYaml|nindent|4|\\(|\\)){0,40}") {
        chart(&[("Chart.yaml", "name: a\n"), ("templates/x.yaml", &text)]);
    }
}
