//! Spring: chains of Spring Security decide by path, annotations by method.

use super::{inventory, said};

const CONTROLLER: &str = r#"package shop;

import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.web.bind.annotation.*;

@RestController
@RequestMapping("/api/orders")
class Orders {
    private final OrderRepository orders;

    @GetMapping("/{id}")
    Order one(@PathVariable Long id) { return orders.findByIdAndOwner(id, Session.user()); }

    @PostMapping
    Order add(@RequestBody OrderForm form) { return orders.save(form.order()); }

    @DeleteMapping("/{id}")
    @PreAuthorize("hasRole('ADMIN')")
    void remove(@PathVariable Long id) { orders.deleteById(id); }
}

@RestController
@RequestMapping("/public/feedback")
class Feedback {
    @PostMapping
    void add(@RequestBody FeedbackForm form) { store.save(form); }
}

@RestController
@RequestMapping("/admin")
class Admin {
    @PostMapping("/flush")
    void flush() { store.deleteAll(); }
}

@RestController
@RequestMapping("/import")
class Import {
    @PostMapping
    void run(@RequestBody Rows rows) { store.saveAll(rows); }
}
"#;

const SECURITY: &str = r#"package shop;

import org.springframework.context.annotation.Bean;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;

class Security {
    private static final String[] OPEN = { "/public/**", "/login" };

    @Bean
    SecurityFilterChain chain(HttpSecurity http) throws Exception {
        return http
            .csrf(csrf -> csrf.disable())
            .authorizeHttpRequests(auth -> auth
                .requestMatchers(OPEN).permitAll()
                .requestMatchers("/admin/**").hasRole("ADMIN")
                .requestMatchers(HttpMethod.GET, "/api/**").permitAll()
                .anyRequest().authenticated())
            .formLogin(form -> form.loginPage("/login").permitAll())
            .build();
    }
}
"#;

#[test]
fn the_first_matcher_decides() {
    let files = [("shop/Orders.java", CONTROLLER), ("shop/Security.java", SECURITY)];
    assert_eq!(
        inventory(&files),
        [
            "POST /admin/flush flush; hasRole(ADMIN); authentication authorization maybe-authentication mutation",
            "POST /api/orders add; authenticated(); authentication maybe-authentication mutation validation",
            "DELETE /api/orders/{id} remove; authenticated() > org.springframework.security.access.prepost.PreAuthorize(hasRole('ADMIN')); authentication authorization maybe-authentication mutation",
            "GET /api/orders/{id} one; ; ownership",
            "POST /import run; authenticated(); authentication maybe-authentication mutation validation",
            "POST /public/feedback add; permitAll(); mutation validation",
        ]
    );
    assert_eq!(said(&files), [""; 0]);
}

#[test]
fn what_is_left_open() {
    let open = SECURITY
        .replace(".anyRequest().authenticated()", ".anyRequest().permitAll()")
        .replace(".requestMatchers(\"/admin/**\")", ".requestMatchers(\"/administration/**\")")
        .replace("csrf.disable()", "csrf.ignoringRequestMatchers(\"/hooks/**\")");
    let files = [("shop/Orders.java", CONTROLLER), ("shop/Security.java", &open)];
    assert_eq!(
        said(&files),
        [
            "authz.admin-route-unprotected shop/Orders.java:32",
            "authz.route.missing shop/Orders.java:14",
            "authz.route.missing shop/Orders.java:32",
            "authz.route.missing shop/Orders.java:39",
        ]
    );
}

#[test]
fn a_matcher_that_is_not_known_may_cover_anything() {
    let open =
        SECURITY.replace("HttpMethod.GET, \"/api/**\").permitAll()", "matchers.secured()).authenticated()");
    let open = open.replace(".anyRequest().authenticated()", ".anyRequest().permitAll()");
    let open = open.replace("csrf.disable()", "csrf.spa()");
    let files = [("shop/Orders.java", CONTROLLER), ("shop/Security.java", &open)];
    assert_eq!(said(&files), [""; 0]);
}
