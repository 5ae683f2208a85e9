// Swagger UI over the service's own document. A link may bring a client's credentials behind its `#`, which no browser
// sends anywhere: then one click gets a token. `make run` prints such a link.
"use strict";

const given = new URLSearchParams(location.hash.slice(1));
if (given.get("client_id")) history.replaceState(null, "", location.pathname);

const ui = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: "openapi.json",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  requestInterceptor: plain,
  onComplete: offerToken,
});

// A token request without headers of its own needs no permission beforehand (CORS), which token endpoints rarely give.
function plain(request) {
  const basic = /^Basic (.+)$/.exec(request.headers.Authorization || "");
  if (basic && request.headers["X-Requested-With"]) {
    const [id, ...secret] = atob(basic[1]).split(":");
    request.body += "&" + new URLSearchParams({ client_id: id, client_secret: secret.join(":") });
    delete request.headers.Authorization;
    delete request.headers["X-Requested-With"];
  }
  return request;
}

function offerToken() {
  if (!given.get("client_id")) return;
  document.getElementById("token").hidden = false;
  document.getElementById("get-token").onclick = () => getToken(given.get("client_id"), given.get("client_secret"));
}

async function getToken(client_id, client_secret) {
  const flow = ui.specSelectors.specJson().toJS().components.securitySchemes.client.flows.clientCredentials;
  const form = { grant_type: "client_credentials", client_id, client_secret, scope: Object.keys(flow.scopes).join(" ") };
  const told = document.getElementById("told");
  try {
    const answer = await (await fetch(flow.tokenUrl, { method: "POST", body: new URLSearchParams(form) })).json();
    if (!answer.access_token) throw new Error(answer.error || "no token");
    ui.preauthorizeApiKey("token", answer.access_token);
    told.textContent = "You have a token, good for " + Math.round(answer.expires_in / 60) + " minutes.";
  } catch (error) {
    told.textContent = "No token (" + error.message + "). Get one in a shell and paste it: Authorize, then token.";
  }
}
