//! Who may do what to whose: against the straw man, its repaired twin, and small applications that look alike.

use gabion_strawman::Options;

use crate::ground::{assert_proven, assert_quiet, probe};

const OURS: &[&str] = &[
    "function-access",
    "mass-assignment",
    "missing-login",
    "object-access",
    "object-delete",
    "object-write",
];

#[tokio::test]
async fn the_straw_mans_permissions_are_seen_through() {
    let report = probe(Options::vulnerable(), OURS).await;
    assert_proven(
        &report,
        &[
            ("function-access", "GET /admin", ""),
            ("function-access", "GET /api/admin/users", ""),
            ("function-access", "POST /api/admin/announcement", ""),
            ("mass-assignment", "PATCH /api/profile", "credit"),
            ("mass-assignment", "PATCH /api/profile", "role"),
            ("mass-assignment", "PATCH /api/profile", "tenant"),
            ("missing-login", "GET /api/export/configuration", ""),
            ("missing-login", "GET /api/export/customers", ""),
            ("missing-login", "GET /api/export/orders", ""),
            ("object-access", "GET /api/notes/{id}", ""),
            ("object-access", "GET /api/orders/{id}", "tenant"),
            ("object-access", "GET /api/orders/{id}/invoice", "tenant"),
            ("object-access", "GET /notes/{id}", ""),
            ("object-write", "PUT /api/notes/{id}", ""),
        ],
    );
}

#[tokio::test]
async fn the_repaired_twins_permissions_hold() {
    let report = probe(Options::repaired(), OURS).await;
    assert_quiet(&report);
}
