mod json_schema_suite;
