//! `GET /.gabion/account/profile`: what is known of one beside how one signs in. `POST`: changes it; a field
//! that is empty is forgotten.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Problem;
use gabion_service::{Address, DirectoryError, EditProfile, Personal};
use http::StatusCode;
use serde::Deserialize;

use crate::context::Member;
use crate::form::{Asking, Form};
use crate::notice::Notice;
use crate::{Console, page, words};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(save)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    notice: Option<Notice>,
}

/// The standard claims (OpenID Connect Core 1.0, 5.1), each as it stands in its field.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    name: String,
    given_name: String,
    middle_name: String,
    family_name: String,
    nickname: String,
    gender: String,
    birthdate: String,
    locale: String,
    zoneinfo: String,
    profile: String,
    picture: String,
    website: String,
    phone_number: String,
    street_address: String,
    postal_code: String,
    locality: String,
    region: String,
    country: String,
}

#[derive(Debug, Template)]
#[template(path = "profile.html")]
struct Page<'a> {
    name: &'a str,
    email: Option<&'a str>,
    notice: Option<&'static str>,
    groups: Vec<Group<'a>>,
    /// How many fields break a rule.
    problems: usize,
}

/// Fields that belong together.
#[derive(Debug)]
struct Group<'a> {
    legend: &'static str,
    fields: Vec<Input<'a>>,
}

#[derive(Debug)]
struct Input<'a> {
    id: &'static str,
    label: &'static str,
    value: &'a str,
    /// WCAG 2.2, 1.3.5.
    autocomplete: &'static str,
    hint: &'static str,
    lines: bool,
    problem: Option<String>,
}

async fn show(State(console): State<Console>, member: Member, Asking(asked): Asking<Asked>) -> Response {
    let person = match console.service.profile(&member.visitor.caller()).await {
        Ok(person) => person,
        Err(error) => return member.refused(error.into()),
    };
    let fields = Fields::of(person.personal);
    form(&member, StatusCode::OK, person.email.as_deref(), &fields, &[], asked.notice)
}

async fn save(State(console): State<Console>, member: Member, Form(fields): Form<Fields>) -> Response {
    let caller = member.visitor.caller();
    let person = match console.service.profile(&caller).await {
        Ok(person) => person,
        Err(error) => return member.refused(error.into()),
    };
    let edit = EditProfile { personal: fields.personal(&person.personal) };
    match console.service.edit_profile(&caller, edit).await {
        Ok(_) => page::see_other("/.gabion/account/profile?notice=profile-saved"),
        Err(DirectoryError::Invalid(problems)) => {
            let email = person.email.as_deref();
            form(&member, StatusCode::UNPROCESSABLE_ENTITY, email, &fields, &problems, None)
        }
        Err(error) => member.refused(error.into()),
    }
}

fn form(
    member: &Member,
    status: StatusCode,
    email: Option<&str>,
    fields: &Fields,
    problems: &[Problem],
    notice: Option<Notice>,
) -> Response {
    let groups = fields.groups(problems);
    let wrong = |group: &Group<'_>| group.fields.iter().filter(|field| field.problem.is_some()).count();
    let page = Page {
        name: &member.session.principal.name,
        email,
        notice: notice.and_then(Notice::text),
        problems: groups.iter().map(wrong).sum(),
        groups,
    };
    page::render(status, &page)
}

impl Fields {
    fn of(personal: Personal) -> Self {
        let text = Option::unwrap_or_default;
        let address = personal.address.unwrap_or_default();
        // Kept as one text only: shown where the street is.
        let street = address.street_address.or(address.formatted);
        Self {
            name: text(personal.name),
            given_name: text(personal.given_name),
            middle_name: text(personal.middle_name),
            family_name: text(personal.family_name),
            nickname: text(personal.nickname),
            gender: text(personal.gender),
            birthdate: text(personal.birthdate),
            locale: text(personal.locale),
            zoneinfo: text(personal.zoneinfo),
            profile: text(personal.profile),
            picture: text(personal.picture),
            website: text(personal.website),
            phone_number: text(personal.phone_number),
            street_address: text(street),
            postal_code: text(address.postal_code),
            locality: text(address.locality),
            region: text(address.region),
            country: text(address.country),
        }
    }

    /// What `before` becomes. The address as one text is kept only where nothing of the address changed.
    fn personal(&self, before: &Personal) -> Personal {
        let text = |typed: &str| {
            let typed = typed.trim().replace("\r\n", "\n");
            (!typed.is_empty()).then_some(typed)
        };
        let address = Address {
            formatted: None,
            street_address: text(&self.street_address),
            locality: text(&self.locality),
            region: text(&self.region),
            postal_code: text(&self.postal_code),
            country: text(&self.country),
        };
        let shown = Self::of(before.clone());
        let same = [
            (&self.street_address, &shown.street_address),
            (&self.postal_code, &shown.postal_code),
            (&self.locality, &shown.locality),
            (&self.region, &shown.region),
            (&self.country, &shown.country),
        ]
        .into_iter()
        .all(|(typed, shown)| text(typed) == text(shown));
        let address = match &before.address {
            Some(before) if same => Some(before.clone()),
            _ => Some(address).filter(|address| *address != Address::default()),
        };
        Personal {
            name: text(&self.name),
            given_name: text(&self.given_name),
            middle_name: text(&self.middle_name),
            family_name: text(&self.family_name),
            nickname: text(&self.nickname),
            profile: text(&self.profile),
            picture: text(&self.picture),
            website: text(&self.website),
            gender: text(&self.gender),
            birthdate: text(&self.birthdate),
            zoneinfo: text(&self.zoneinfo),
            locale: text(&self.locale),
            phone_number: text(&self.phone_number),
            address,
        }
    }

    fn groups(&self, problems: &[Problem]) -> Vec<Group<'_>> {
        let problem = |id: &str| {
            let of = |problem: &&Problem| problem.path.rsplit('.').next() == Some(id);
            problems.iter().find(of).map(|problem| words::sentence(&problem.reason))
        };
        let field = |id, label, value, autocomplete, hint| Input {
            id,
            label,
            value,
            autocomplete,
            hint,
            lines: id == "street_address",
            problem: problem(id),
        };
        vec![
            Group {
                legend: "Your name",
                fields: vec![
                    field("name", "Full name", &*self.name, "name", "As you want to be greeted."),
                    field("given_name", "First name", &*self.given_name, "given-name", ""),
                    field("middle_name", "Middle name", &*self.middle_name, "additional-name", ""),
                    field("family_name", "Last name", &*self.family_name, "family-name", ""),
                    field("nickname", "Nickname", &*self.nickname, "nickname", ""),
                ],
            },
            Group {
                legend: "About you",
                fields: vec![
                    field("gender", "Gender", &*self.gender, "sex", "In your own words."),
                    field(
                        "birthdate",
                        "Birthday",
                        &*self.birthdate,
                        "bday",
                        "For instance 1815-12-10, or 0000-12-10 without the year.",
                    ),
                    field("locale", "Language", &*self.locale, "language", "For instance en-GB."),
                    field("zoneinfo", "Time zone", &*self.zoneinfo, "off", "For instance Europe/London."),
                    field(
                        "website",
                        "Website",
                        &*self.website,
                        "url",
                        "Its full address, with https in front.",
                    ),
                    field(
                        "profile",
                        "Page about you",
                        &*self.profile,
                        "off",
                        "Its full address, with https in front.",
                    ),
                    field(
                        "picture",
                        "Picture",
                        &*self.picture,
                        "photo",
                        "Its full address, with https in front.",
                    ),
                ],
            },
            Group {
                legend: "Phone and address",
                fields: vec![
                    field(
                        "phone_number",
                        "Phone",
                        &*self.phone_number,
                        "tel",
                        "For instance +44 20 7946 0000.",
                    ),
                    field("street_address", "Street", &*self.street_address, "street-address", ""),
                    field("postal_code", "Postal code", &*self.postal_code, "postal-code", ""),
                    field("locality", "Town", &*self.locality, "address-level2", ""),
                    field("region", "Region", &*self.region, "address-level1", ""),
                    field("country", "Country", &*self.country, "country-name", ""),
                ],
            },
        ]
    }
}
