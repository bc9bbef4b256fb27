//! Next.js: handlers, pages and actions by their place, behind a middleware for some paths.

use super::{inventory, said};

const MIDDLEWARE: &str = "import { NextResponse } from 'next/server';
import { getToken } from 'next-auth/jwt';
export async function middleware(request) {
  const token = await getToken({ req: request });
  if (!token) return NextResponse.redirect(new URL('/login', request.url));
  return NextResponse.next();
}
export const config = { matcher: ['/orders/:path*', '/api/orders/:path*'] };
";

const FILES: &[(&str, &str)] = &[
    ("middleware.ts", MIDDLEWARE),
    (
        "app/api/orders/[id]/route.ts",
        "import { prisma } from '@/lib/db';
export async function DELETE(request, { params }) {
  await prisma.order.delete({ where: { id: params.id } });
  return new Response(null, { status: 204 });
}
",
    ),
    (
        "app/api/import/route.ts",
        "import { prisma } from '@/lib/db';
export async function POST(request) {
  await prisma.order.createMany({ data: await request.json() });
  return new Response(null, { status: 204 });
}
",
    ),
    (
        "app/orders/page.tsx",
        "export default async function Orders() { return <p>{await store.count()}</p>; }\n",
    ),
    (
        "app/account/page.tsx",
        "export default async function Account() { return <p>{await store.all()}</p>; }\n",
    ),
    (
        "app/settings/layout.tsx",
        "import { auth } from '@/auth';
import { redirect } from 'next/navigation';
export default async function Layout({ children }) {
  const session = await auth();
  if (!session) redirect('/login');
  return <main>{children}</main>;
}
",
    ),
    (
        "app/settings/page.tsx",
        "export default async function Settings() { return <p>{await store.all()}</p>; }\n",
    ),
    ("app/dashboard/page.tsx", "'use client';\nexport default function Dashboard() { return <Chart />; }\n"),
];

#[test]
fn what_the_middleware_covers() {
    let lines = inventory(FILES);
    let short: Vec<String> = lines
        .iter()
        .map(|line| {
            format!(
                "{}{}",
                line.split(';').next().unwrap(),
                if line.contains("authentication") { " +" } else { "" }
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            "GET /account Account",
            "POST /api/import POST",
            "DELETE /api/orders/{id} DELETE +",
            "GET /dashboard Dashboard",
            "GET /orders Orders +",
            "GET /settings Settings +",
        ]
    );
    let said = said(FILES);
    for expected in [
        "nextjs.middleware.missing app/account/page.tsx:1",
        "nextjs.route-handler.no-auth app/api/import/route.ts:2",
    ] {
        assert!(said.contains(&expected.to_owned()), "{said:?}");
    }
    assert!(!said.iter().any(|line| line.contains("settings") || line.contains("dashboard")), "{said:?}");
}
