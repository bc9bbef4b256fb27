//! Accounts that the probe makes and may break: by the operation that the facts name, or by one that looks like registering.
//!
//! One is only used where it can be told apart from none: it signs in with its password, and not with another one.

use serde_json::Value;

use crate::account::{Meaning, Step, Values, draft, meaning, meanings};
use crate::attacks::usable;
use crate::call::{Call, Payload, text_of};
use crate::field::{Field, Known};
use crate::login::{self, Try, Way};
use crate::operation::{Operation, Place};
use crate::session::Session;
use crate::surface::html;
use crate::verdict::Exchange;
use crate::wire::{Answer, Request, WireError};

/// How accounts are made here, and how they sign in.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) step: Step,
    way: Way,
    /// Whether people sign in with their mail address.
    by_mail: bool,
    /// Who makes them; nobody mostly.
    maker: usize,
}

/// An account that was made.
#[derive(Debug, Clone)]
pub(crate) struct Sacrifice {
    pub(crate) user: String,
    pub(crate) email: String,
    pub(crate) password: String,
    /// Of its first sign-in.
    pub(crate) session: Session,
    /// How it was registered.
    pub(crate) made: (Request, Answer),
    /// The answer that signed it in.
    login: Answer,
    recipe: Recipe,
}

/// What became of one try to sign in.
#[derive(Debug)]
pub(crate) enum SignIn {
    In {
        session: Session,
        request: Request,
        answer: Answer,
    },
    Refused {
        answer: Answer,
    },
    /// It was asked too often, or not at all: nothing can be said.
    Unknown,
}

/// Why there is no account.
#[derive(Debug)]
pub(crate) struct NotMade {
    pub(crate) why: String,
    /// What was sent and answered, where it was.
    pub(crate) exchange: Option<(Request, Answer)>,
    /// Whether it was asked too often.
    pub(crate) throttled: bool,
}

impl NotMade {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), exchange: None, throttled: false }
    }
}

/// What a hint says where no account can be made.
const HINT: &str = "hint: `[accounts.create]` says how accounts are made that tests may break";

/// A password that every policy takes.
pub(crate) fn strong(field: &Field) -> String {
    format!("Harbour-{}-41Z", field.canary())
}

/// A new account with a strong password.
///
/// # Errors
/// In words: why there is none; or the end of the run.
pub(crate) async fn make(field: &Field) -> Result<Result<Sacrifice, String>, WireError> {
    let recipe = match recipe(field).await? {
        Ok(recipe) => recipe,
        Err(reason) => return Ok(Err(reason)),
    };
    let made = register(field, &recipe, None, &strong(field)).await?;
    Ok(made.map_err(|not| not.why))
}

/// How accounts are made; found once in a run.
///
/// # Errors
/// As [`make`].
pub(crate) async fn recipe(field: &Field) -> Result<Result<Recipe, String>, WireError> {
    field.recipe.get_or_try_init(|| find(field)).await.cloned()
}

async fn find(field: &Field) -> Result<Result<Recipe, String>, WireError> {
    let (steps, maker) = steps(field);
    if steps.is_empty() {
        return Ok(Err(format!("nothing looks like registering; {HINT}")));
    }
    let mut ways: Vec<Way> = Vec::new();
    if let Some(way) = field.people.iter().find_map(|person| person.way.clone()) {
        ways.push(way);
    } else {
        ways.extend(login::ways(&field.facts, &[], &field.operations).into_iter().take(2));
    }
    if ways.is_empty() {
        return Ok(Err("nothing takes a name and a password; hint: `[login]`".to_owned()));
    }
    let mut mails: Vec<bool> = vec![false, true];
    if field.facts.identities.iter().any(|identity| identity.user().contains('@')) {
        mails.reverse();
    }
    let mut why = String::new();
    for step in steps {
        for way in &ways {
            for by_mail in &mails {
                let recipe = Recipe { step: step.clone(), way: way.clone(), by_mail: *by_mail, maker };
                match register(field, &recipe, None, &strong(field)).await? {
                    Ok(_) => {
                        field.note("accounts were made whose names begin with `gx`");
                        return Ok(Ok(recipe));
                    }
                    Err(not) => {
                        let registered = not.exchange.as_ref().is_some_and(|(_, answer)| answer.status < 400);
                        why = not.why;
                        if not.throttled {
                            return Ok(Err(why));
                        }
                        // Signing in another way will not help.
                        if !registered {
                            break;
                        }
                    }
                }
            }
        }
    }
    Ok(Err(format!("no account could be made: {why}; {HINT}")))
}

/// Requests that may register somebody, the likeliest first, and who sends them.
fn steps(field: &Field) -> (Vec<Step>, usize) {
    if let Some(template) = &field.facts.accounts.create {
        let named = template.identity.as_ref();
        let maker = named.and_then(|name| field.people.iter().position(|person| person.name == *name));
        return (vec![Step::Declared(template.clone())], maker.unwrap_or(0));
    }
    let mut found: Vec<(usize, Step)> = Vec::new();
    for operation in field.operations.iter().filter(|operation| operation.method == "POST") {
        let call = draft(field, operation);
        let Some(rank) = rank(operation, &meanings(&call)) else { continue };
        let mut lean = call.clone();
        if slim(&mut lean, operation) && lean != call {
            found.push((rank, Step::Found(lean)));
        }
        found.push((rank, Step::Found(call)));
    }
    found.sort_by_key(|(rank, _)| *rank);
    (found.into_iter().map(|(_, step)| step).take(4).collect(), 0)
}

const REGISTER: &[&str] = &["register", "registration", "signup", "sign-up", "sign_up", "join", "enrol"];
const COLLECTIONS: &[&str] = &["users", "accounts", "members", "customers", "user", "account", "people"];
const ELSE: &[&str] =
    &["login", "signin", "sign-in", "reset", "forgot", "recover", "change", "logout", "token"];

/// How likely an operation registers people; nothing where it does not.
fn rank(operation: &Operation, meanings: &[Meaning]) -> Option<usize> {
    let has = |meaning| meanings.contains(&meaning);
    let named = has(Meaning::User) || has(Meaning::Mail) || has(Meaning::Name);
    if !has(Meaning::Password) || !named || has(Meaning::Old) || has(Meaning::New) || has(Meaning::Token) {
        return None;
    }
    let path = operation.path.to_ascii_lowercase();
    if operation.parameters.iter().any(|parameter| parameter.place == Place::Path) {
        return None;
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    match () {
        () if REGISTER.iter().any(|word| path.contains(word)) => Some(0),
        () if ELSE.iter().any(|word| path.contains(word)) => None,
        () if COLLECTIONS.contains(&last) => Some(1),
        () if meanings.iter().filter(|own| **own == Meaning::Again).count() == 1 => Some(2),
        () => None,
    }
}

/// Takes out what a document does not require; whether it says that at all.
fn slim(call: &mut Call, operation: &Operation) -> bool {
    let required = operation.body.as_ref().and_then(|body| body.schema.get("required")?.as_array());
    let (Some(required), Payload::Json(Value::Object(members))) = (required, &mut call.payload) else {
        return false;
    };
    members.retain(|name, _| required.iter().any(|one| one == name) || meaning(name) != Meaning::Other);
    true
}

/// Registers somebody with a password and signs them in. `named` is the user's name where it matters.
///
/// # Errors
/// Why there is none; or the end of the run.
pub(crate) async fn register(
    field: &Field,
    recipe: &Recipe,
    named: Option<&str>,
    password: &str,
) -> Result<Result<Sacrifice, NotMade>, WireError> {
    let user = named.map_or_else(|| field.canary(), str::to_owned);
    let email = format!("{user}@example.com");
    let call = recipe.step.call(&Values { user: &user, email: &email, password, ..Values::default() });
    let sent = if recipe.maker == 0 {
        usable(submit(field, &mut Session::default(), &call).await)?
    } else {
        usable(field.exchange(recipe.maker, &call).await)?
    };
    let Some((request, answer)) = sent else { return Ok(Err(NotMade::new("registering got no answer"))) };
    let not = |why: String, throttled| NotMade {
        why,
        exchange: Some((request.clone(), answer.clone())),
        throttled,
    };
    if answer.status >= 400 || field.is_missing(&answer) {
        let why = format!("`{}` answered {}", recipe.step.id(), answer.status);
        return Ok(Err(not(why, answer.is_throttle())));
    }
    let mut own = Sacrifice {
        user,
        email,
        password: password.to_owned(),
        session: Session::default(),
        made: (request.clone(), answer.clone()),
        login: answer.clone(),
        recipe: recipe.clone(),
    };
    let wrong = format!("Wrong-{}-73Q", field.canary());
    match own.sign_in(field, &wrong).await? {
        SignIn::Refused { .. } => {}
        SignIn::In { .. } => return Ok(Err(not("it signs in with any password".to_owned(), false))),
        SignIn::Unknown => return Ok(Err(not("signing in was asked too often".to_owned(), true))),
    }
    match own.sign_in(field, password).await? {
        SignIn::In { session, answer, .. } => {
            own.session = session;
            own.login = answer;
            Ok(Ok(own))
        }
        SignIn::Refused { answer, .. } if !answer.is_throttle() => {
            Ok(Err(not("who registered cannot sign in with the password they chose".to_owned(), false)))
        }
        _ => Ok(Err(not("signing in was asked too often".to_owned(), true))),
    }
}

impl Recipe {
    /// Who makes accounts; nobody mostly.
    pub(crate) const fn maker(&self) -> usize {
        self.maker
    }
}

impl Sacrifice {
    /// What it signs in with.
    pub(crate) fn name(&self) -> &str {
        if self.recipe.by_mail { &self.email } else { &self.user }
    }

    /// Tries to sign it in.
    pub(crate) async fn sign_in(&self, field: &Field, password: &str) -> Result<SignIn, WireError> {
        let one = Try { user: self.name(), password, code: "", before: Session::default() };
        let Some(Ok(tried)) = usable(login::attempt(&field.wire, &self.recipe.way, &one).await)? else {
            return Ok(SignIn::Unknown);
        };
        if tried.answer.is_throttle() {
            return Ok(SignIn::Unknown);
        }
        let (request, answer) = (tried.request, tried.answer);
        Ok(match tried.session {
            Ok(session) if self.opens(field, &session).await?.unwrap_or(true) => {
                field.hide(&session);
                SignIn::In { session, request, answer }
            }
            _ => SignIn::Refused { answer },
        })
    }

    /// Whether a session opens what only people who signed in get; nothing where nothing is known that would show it.
    pub(crate) async fn opens(&self, field: &Field, session: &Session) -> Result<Option<bool>, WireError> {
        let Some(door) = door(field) else { return Ok(None) };
        let Some(answer) = usable(field.as_session(session, &door.call.request()).await)? else {
            return Ok(None);
        };
        if answer.is_throttle() {
            return Ok(None);
        }
        let named = !door.answer.has(&field.person(door.who).user)
            || answer.has(&self.user)
            || answer.has(&self.email);
        let open = answer.status == door.answer.status && !field.is_refusal(&answer) && named;
        Ok(Some(open))
    }

    /// What a session gets at the door, as evidence.
    pub(crate) async fn at_door(
        &self,
        field: &Field,
        session: &Session,
    ) -> Result<Option<(Request, Answer)>, WireError> {
        let Some(door) = door(field) else { return Ok(None) };
        let request = session.apply(&door.call.request());
        Ok(usable(field.wire.send(&request).await)?.map(|answer| (request, answer)))
    }

    /// The values of its requests.
    pub(crate) fn values<'a>(&'a self, id: &'a str, new: &'a str) -> Values<'a> {
        Values { user: &self.user, email: &self.email, id, password: &self.password, new, token: "" }
    }

    /// What its id may be, the likeliest first: what answers to it called so, and claims of its token.
    pub(crate) async fn ids(&self, field: &Field) -> Result<Vec<String>, WireError> {
        let mut all = Vec::new();
        if let Some((_, answer)) = self.at_door(field, &self.session).await?
            && answer.has(&self.user)
        {
            ids_in(&answer.json().unwrap_or_default(), 0, &mut all);
        }
        for answer in [&self.login, &self.made.1] {
            ids_in(&answer.json().unwrap_or_default(), 0, &mut all);
        }
        for claims in crate::tokens::claims_of(&self.session) {
            ids_in(&claims, 0, &mut all);
        }
        let mut met = std::collections::BTreeSet::new();
        all.retain(|id| met.insert(id.clone()));
        all.truncate(4);
        Ok(all)
    }

    /// An exchange of its own, as evidence.
    pub(crate) fn evidence(&self, request: &Request, answer: &Answer) -> Exchange {
        Exchange::new(&self.user, request, answer)
    }
}

fn ids_in(value: &Value, depth: usize, out: &mut Vec<String>) {
    let Value::Object(members) = value else { return };
    if depth > 3 {
        return;
    }
    for (name, value) in members {
        let own = name.to_ascii_lowercase().replace('_', "");
        let id = matches!(own.as_str(), "id" | "userid" | "uid" | "uuid" | "sub" | "accountid" | "memberid");
        if id && (value.is_string() || value.is_number()) {
            out.push(text_of(value));
        }
    }
    members.values().for_each(|value| ids_in(value, depth.saturating_add(1), out));
}

/// A read that everybody who signed in gets and nobody else: best one that names its reader.
pub(crate) fn door(field: &Field) -> Option<&Known> {
    let fits = |known: &&Known| {
        let refused = known.anonymous.as_ref().is_some_and(|answer| field.is_refusal(answer));
        let safe = field.operation(known.operation).is_some_and(Operation::is_safe);
        let standing = crate::standing::standing_of_path(&known.call.template);
        known.who != 0
            && refused
            && safe
            && standing.is_none()
            && known.call.path.is_empty()
            && known.answer.is_success()
    };
    field.known.iter().filter(fits).max_by_key(|known| {
        let user = &field.person(known.who).user;
        (known.answer.has(user), std::cmp::Reverse(known.answer.body.len()))
    })
}

/// Sends a call with a session of its own: with the tokens of its form, and keeping the cookies that come back.
///
/// # Errors
/// As [`crate::wire::Wire::send`].
pub(crate) async fn submit(
    field: &Field,
    session: &mut Session,
    call: &Call,
) -> Result<(Request, Answer), WireError> {
    let mut call = call.clone();
    let own = |operation: &&Operation| operation.method == call.method && operation.path == call.template;
    let operation = field.operations.iter().find(own);
    let tokens = operation.and_then(|own| Some((own.page.clone()?, own.body.as_ref()?.tokens.clone())));
    if let Some((page, tokens)) = tokens {
        let answer = field.wire.send(&session.apply(&Request::get(&page))).await?;
        session.learn(&answer);
        let read = html::read(&answer.text());
        if let Payload::Form(fields) = &mut call.payload {
            for (name, value) in fields.iter_mut().filter(|(name, _)| tokens.contains(name)) {
                let all = read.forms.iter().flat_map(|form| &form.fields);
                if let Some(field) = all.into_iter().find(|field| field.name == *name) {
                    *value = Value::String(field.value.clone());
                }
            }
        }
    }
    let request = session.apply(&call.request());
    let answer = field.wire.send(&request).await?;
    session.learn(&answer);
    Ok((request, answer))
}
