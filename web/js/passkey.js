// Passkeys: asks the browser for one and sends its answer with the form around the button.
//
// A form says `data-passkey="get"` or `"create"` and where its question comes from (`data-question`). It
// is hidden until this script finds that the browser can do it.

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const descriptors = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

// What the server asks, with bytes where the browser wants bytes.
const question = async (form) => {
  const answer = await fetch(form.dataset.question, { method: "POST", headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("question");
  const options = await answer.json();
  options.challenge = decode(options.challenge);
  if (options.user) options.user.id = decode(options.user.id);
  options.excludeCredentials = descriptors(options.excludeCredentials);
  options.allowCredentials = descriptors(options.allowCredentials);
  return options;
};

// What the browser answers, as text.
const written = (credential) => {
  const { response } = credential;
  const bytes = (name) => (response[name] ? encode(response[name]) : undefined);
  return JSON.stringify({
    rawId: encode(credential.rawId),
    type: credential.type,
    response: {
      clientDataJSON: bytes("clientDataJSON"),
      authenticatorData: response.attestationObject ? undefined : bytes("authenticatorData"),
      signature: bytes("signature"),
      userHandle: bytes("userHandle"),
      attestationObject: bytes("attestationObject"),
      transports: response.getTransports?.(),
    },
  });
};

let waiting = null;

const ceremony = async (form, mediation) => {
  waiting?.abort();
  waiting = new AbortController();
  const publicKey = await question(form);
  const asked = { publicKey, signal: waiting.signal };
  if (mediation) asked.mediation = mediation;
  const create = form.dataset.passkey === "create";
  const credential = await (create ? navigator.credentials.create(asked) : navigator.credentials.get(asked));
  form.elements.answer.value = written(credential);
  form.submit();
};

const offer = (form) => {
  const problem = form.querySelector("[data-problem]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      await ceremony(form);
    } catch (error) {
      problem.textContent =
        error.name === "InvalidStateError"
          ? "This passkey is set up already."
          : "That did not work. Please try again, or use another way.";
      problem.setAttribute("role", "alert");
      problem.hidden = false;
    }
  });
};

if (window.PublicKeyCredential) {
  const forms = [...document.querySelectorAll("form[data-passkey]")];
  forms.forEach(offer);
  // Passkeys among the suggestions of the name field, where the browser can.
  const login = forms.find((form) => "suggest" in form.dataset);
  if (login && (await PublicKeyCredential.isConditionalMediationAvailable?.())) {
    ceremony(login, "conditional").catch(() => {});
  }
}
