//! Who may do what to whose: against the straw man, its repaired twin, and small applications that look alike.

use gabion_strawman::Options;

use crate::ground::{assert_proven, assert_quiet, probe};

const OURS: &[&str] = &[
    "forged-identity",
    "function-access",
    "jwt",
    "mass-assignment",
    "missing-login",
    "object-access",
    "object-delete",
    "object-write",
    "tenant-access",
    "websocket-access",
];

#[tokio::test]
async fn the_straw_mans_permissions_are_seen_through() {
    let report = probe(Options::vulnerable(), OURS).await;
    assert_proven(
        &report,
        &[
            ("forged-identity", "GET /api/me", ""),
            ("function-access", "GET /admin", ""),
            ("function-access", "GET /api/admin/users", ""),
            ("function-access", "POST /api/admin/announcement", ""),
            ("jwt", "GET /api/reports/sales", "empty-key"),
            ("jwt", "GET /api/reports/sales", "none"),
            ("jwt", "GET /api/reports/sales", "published-key"),
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
            ("tenant-access", "GET /api/orders", ""),
            ("websocket-access", "GET /ws", ""),
        ],
    );
}

#[tokio::test]
async fn the_repaired_twins_permissions_hold() {
    let report = probe(Options::repaired(), OURS).await;
    assert_quiet(&report);
}
