//! Controllers of NestJS and resources of JAX-RS, servlets.

use super::{inventory, said};

const NEST: &[(&str, &str)] = &[
    (
        "src/main.ts",
        "import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.setGlobalPrefix('api');
  await app.listen(80);
}
bootstrap();
",
    ),
    (
        "src/app.module.ts",
        "import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard } from '@nestjs/throttler';
import { TokenGuard } from './token.guard';
@Module({ providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }, { provide: APP_GUARD, useClass: TokenGuard }] })
export class AppModule {}
",
    ),
    (
        "src/token.guard.ts",
        "import { CanActivate, ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common';
@Injectable()
export class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest();
    if (!this.tokens.known(request.headers.authorization)) throw new UnauthorizedException();
    return true;
  }
}
",
    ),
    (
        "src/cats.controller.ts",
        "import { Body, Controller, Delete, Get, Param, Post, UseGuards } from '@nestjs/common';
import { Public } from './public';
import { RolesGuard } from './roles.guard';
@Controller({ path: 'cats' })
export class CatsController {
  @Get() @Public() all() { return this.cats.list(); }
  @Post() add(@Body() cat: CatDto) { return this.cats.create(cat); }
  @Delete(':id') @UseGuards(RolesGuard) remove(@Param('id') id: string) { return this.cats.delete(id); }
}
",
    ),
];

#[test]
fn nest_guards_of_the_application_stand_before_all() {
    let all = "ThrottlerGuard > TokenGuard";
    assert_eq!(
        inventory(NEST),
        [
            format!("GET /api/cats all; {all} > Public; authentication maybe-authentication rate-limit"),
            format!("POST /api/cats add; {all}; authentication maybe-authentication mutation rate-limit validation"),
            format!(
                "DELETE /api/cats/{{id}} remove; {all} > ./roles.guard.RolesGuard; authentication authorization maybe-authentication mutation rate-limit"
            ),
        ]
        .map(|line| line.replace("> Public", "> ./public.Public()"))
    );
    assert_eq!(said(NEST), [""; 0]);
}

#[test]
fn a_throttler_asks_nobody_who_they_are() {
    let module = NEST[1].1.replace(", { provide: APP_GUARD, useClass: TokenGuard }", "");
    let cats = NEST[3].1.replace("RolesGuard)", "AuthGuard('jwt'))");
    let files = [NEST[0], ("src/app.module.ts", &module), NEST[2], ("src/cats.controller.ts", &cats)];
    assert_eq!(said(&files), ["authz.route.missing src/cats.controller.ts:7"]);
}

const RESOURCES: &str = r#"package shop;

import jakarta.annotation.security.PermitAll;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.*;

@Path("/orders")
public class Orders {
    @GET
    @Path("/{id}")
    @RolesAllowed("user")
    public Order one(@PathParam("id") long id) { return store.find(id); }

    @POST
    @PermitAll
    public void add(Order order) { store.save(order); }

    @DELETE
    @Path("/{id}")
    public void remove(@PathParam("id") long id) { store.delete(id); }
}
"#;

const APPLICATION: &str = r#"package shop;

@ApplicationPath("/api")
public class Shop extends Application {}
"#;

#[test]
fn resources() {
    let files = [("shop/Orders.java", RESOURCES), ("shop/Shop.java", APPLICATION)];
    let of = |name: &str| format!("jakarta.annotation.security.{name}");
    assert_eq!(
        inventory(&files),
        [
            format!("POST /api/orders add; {}; mutation", of("PermitAll")),
            "DELETE /api/orders/{id} remove; ; mutation".to_owned(),
            format!(
                "GET /api/orders/{{id}} one; {}(user); authentication authorization maybe-authentication",
                of("RolesAllowed")
            ),
        ]
    );
    assert_eq!(said(&files), ["authz.route.missing shop/Orders.java:18"]);
    let filter = r#"package shop;

@Provider
public class Filter implements ContainerRequestFilter {
    public void filter(ContainerRequestContext context) {
        if (!tokens.known(context.getHeaderString("Authorization"))) {
            context.abortWith(Response.status(Response.Status.UNAUTHORIZED).build());
        }
    }
}
"#;
    assert_eq!(said(&[files[0], files[1], ("shop/Filter.java", filter)]), [""; 0]);
}

#[test]
fn servlets() {
    let servlet = r#"package shop;

@WebServlet("/orders")
public class Orders extends HttpServlet {
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.getWriter().println(store.find(request.getParameter("id")));
    }

    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getSession().getAttribute("user") == null) {
            response.sendError(401);
            return;
        }
        store.save(request.getParameter("item"));
    }

    protected void doDelete(HttpServletRequest request, HttpServletResponse response) {
        store.delete(request.getParameter("id"));
    }
}
"#;
    let files = [("shop/Orders.java", servlet)];
    assert_eq!(
        inventory(&files),
        [
            "DELETE /orders doDelete; ; mutation",
            "GET /orders doGet; ; ",
            "POST /orders doPost; ; authentication mutation ownership",
        ]
    );
    assert_eq!(said(&files), ["authz.route.missing shop/Orders.java:17"]);
}
