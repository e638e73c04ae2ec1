"use strict";

window.page = SwaggerUIBundle({
  dom_id: "#page",
  url: "../api/v1/openapi.json",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  // A key stays in this tab's memory and is gone with it.
  persistAuthorization: false,
  // Else the document would be shown to somebody else's server.
  validatorUrl: null,
});
