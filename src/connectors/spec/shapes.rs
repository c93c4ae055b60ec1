//! The keys of a connector file, with what the page of the format says of each (`docs/connectors.md`).

use crate::yaml::fields::{Shape, key};

pub(super) const TOOL: Shape = Shape {
    name: "a connector",
    keys: &[
        key("tool", "name", "", "The file's name without `.yaml`."),
        key("title", "text", "", "The product, for people."),
        key("docs", "address", "none", "The vendor's page."),
        key("connection", "map", "", "Where the tool is, and how we show who we are."),
        key(
            "spec",
            "map",
            "none",
            "`source`: whose description the operations were checked against.",
        ),
        key(
            "actions",
            "map by name",
            "none",
            "What it can do, by the verb that an analyst says. `request` is there by itself.",
        ),
    ],
    later: &[],
};
pub(super) const SPEC: Shape = Shape {
    name: "`spec`",
    keys: &[key("source", "text", "", "A package or repository with its version.")],
    later: &[],
};
pub(super) const CONNECTION: Shape = Shape {
    name: "`connection`",
    keys: &[
        key(
            "fields",
            "map by name",
            "",
            "What `tools` in the config says of it. `base_url` is wanted: the address before each path.",
        ),
        key("auth", "map or `none`", "", "How we show who we are."),
        key("headers", "map", "none", "Headers of every request."),
        key("rate", "rate", "none", "How many requests it is sent at most: `10/s`."),
        key("test", "action", "none", "A read without inputs, for `vigie connector test`."),
    ],
    later: &[],
};
pub(super) const FIELD: Shape = Shape {
    name: "a field",
    keys: &[
        key(
            "type",
            "`url`, `text` or `secret`",
            "`text`",
            "What it is. A secret is never part of an address.",
        ),
        key("hosts", "list of patterns", "", "For a `url`: whose it may be. Wanted."),
        key("default", "text", "none", "What it is where the config says nothing."),
        key(
            "required",
            "`true` or `false`",
            "`true`",
            "`false` where nothing is right too. What is made of it is then left out.",
        ),
        key("one_of", "list", "any", "The only words that it may be."),
        key("says", "text", "none", "What it is, and where it is found in the product."),
    ],
    later: &[],
};
pub(super) const AUTH: Shape = Shape {
    name: "`auth`",
    keys: &[
        key("header", "map", "", "`{name, value}`: a header of that name."),
        key("bearer", "text", "", "`Authorization: Bearer …`"),
        key("basic", "map", "", "`{user, password}`"),
        key(
            "oauth2",
            "map",
            "",
            "Client credentials: `{token_url, client_id, client_secret, scope, audience, send}`; `send` is `body` or `basic`.",
        ),
        key(
            "login",
            "map",
            "",
            "A call whose answer gives a token: `{method, path, headers, body, basic, token, lasts, header}`.",
        ),
    ],
    later: &[],
};
pub(super) const HEADER: Shape = Shape {
    name: "`header`",
    keys: &[
        key("name", "header", "", "Its name."),
        key("value", "text", "", "Its value, with `{{ a_secret }}` in it."),
    ],
    later: &[],
};
pub(super) const BASIC: Shape = Shape {
    name: "`basic`",
    keys: &[
        key("user", "text", "", "The account."),
        key("password", "text", "", "Its password or token."),
    ],
    later: &[],
};
pub(super) const OAUTH2: Shape = Shape {
    name: "`oauth2`",
    keys: &[
        key("token_url", "address", "", "Where tokens are given: `{{ base_url }}/oauth2/token`."),
        key("client_id", "text", "", "Who we are."),
        key("client_secret", "text", "", "A secret."),
        key("scope", "text", "none", "What is asked for."),
        key("audience", "text", "none", "For whom."),
        key("send", "`body` or `basic`", "`body`", "Where id and secret stand."),
    ],
    later: &[],
};
pub(super) const LOGIN: Shape = Shape {
    name: "`login`",
    keys: &[
        key("method", "method", "`POST`", "Of the call that logs in."),
        key("path", "path", "", "Below `base_url`."),
        key("query", "map", "none", "Its query."),
        key("headers", "map", "none", "Its headers."),
        key("body", "value", "none", "Its body, as JSON."),
        key("form", "map", "none", "Its body, as a form."),
        key("basic", "map", "none", "`{user, password}`, where it logs in so."),
        key("token", "expression", "", "Over `body`: the token in its answer, `body.data.token`."),
        key("lasts", "duration", "`15m`", "How long the token is good."),
        key("header", "map", "", "`{name, value}` of every request, with `{{ token }}` in it."),
    ],
    later: &[],
};
pub(super) const ACTION: Shape = Shape {
    name: "an action",
    keys: &[
        key("title", "text", "", "For people: what it does."),
        key("operation", "text", "none", "The vendor's own name for it."),
        key(
            "risk",
            "`read`, `write` or `destructive`",
            "`read` for GET",
            "What it does to the world.",
        ),
        key(
            "in_doubt",
            "`repeat`, `keyed`, `verify` or `ask`",
            "",
            "It may or may not have happened: what now? Wanted where it does not only look.",
        ),
        key("in", "map by name", "none", "Its inputs."),
        key("first", "map or list", "none", "Reads that come before it, for values that it needs."),
        key("method", "method", "`GET`", "Of its request."),
        key("path", "path", "", "`{name}` is an input or a field, and always one segment."),
        key("query", "map", "none", "The query. A list becomes one parameter an item."),
        key("headers", "map", "none", "Headers of this request."),
        key("body", "value", "none", "The body, as JSON."),
        key("form", "map", "none", "The body, as a form."),
        key("auth", "`none`", "the connection's", "This request is sent without it."),
        key("ok", "status or list", "any 2xx", "The statuses of a good answer."),
        key("already", "expression", "none", "It was so before: no failure, whatever the status."),
        key("found", "expression", "none", "The list of what was found."),
        key(
            "out",
            "map by name",
            "none",
            "What is kept of the answer, and nothing else: `{name: expression}`.",
        ),
        key("error", "expression", "the usual places", "What the tool says of a failure."),
        key("paginate", "map", "none", "How the pages of a long list follow each other."),
        key("poll", "map", "none", "A read that is repeated until it is finished."),
        key("undo", "map or `null`", "none", "`{uses, with}`: what takes it back."),
        key(
            "verify",
            "map",
            "none",
            "`{uses, with, happened}`: how the tool is asked whether it happened.",
        ),
        key(
            "identify",
            "map or list",
            "none",
            "`{entity, uses, with, names}`: by what names people know an id.",
        ),
    ],
    later: &[],
};
pub(super) const INPUT: Shape = Shape {
    name: "an input",
    keys: &[
        key(
            "type",
            "`string`, `integer`, `number`, `boolean`, `list`, `map` or `any`",
            "`string`",
            "What sort of value it is.",
        ),
        key(
            "required",
            "`true` or `false`",
            "`false`",
            "Where it is not, what stands for it is left out of the request.",
        ),
        key(
            "entity",
            "`host`, `user`, `ip` …",
            "none",
            "What it names in the world; `protected` holds it by this word.",
        ),
        key(
            "by",
            "`id` or `name`",
            "",
            "Whether it names that by the tool's own id. Wanted for a host, user, resource or repository of a destructive action.",
        ),
        key("one_of", "list", "any", "The only words that it may be."),
        key("default", "value", "none", "What it is where nothing is given."),
        key("says", "text", "none", "What it is for."),
    ],
    later: &[],
};
pub(super) const OUTPUT: Shape = Shape {
    name: "an output",
    keys: &[
        key(
            "type",
            "as an input's",
            "`string`",
            "What sort of value it is. Another one is told as a failure.",
        ),
        key(
            "from",
            "expression",
            "",
            "Over `in`, `body`, `status`, `headers`, and `found` where the action finds.",
        ),
        key("optional", "`true` or `false`", "`false`", "It may be missing."),
    ],
    later: &[],
};
pub(super) const FIRST: Shape = Shape {
    name: "`first`",
    keys: &[
        key("method", "method", "`GET`", "Of this read."),
        key("path", "path", "", "As an action's."),
        key("query", "map", "none", "As an action's."),
        key("headers", "map", "none", "As an action's."),
        key("body", "value", "none", "As an action's."),
        key("form", "map", "none", "As an action's."),
        key(
            "let",
            "map by name",
            "",
            "Values for the requests that follow: there `{{ name }}` alone. Over `in`, `body`, `status`, `headers`.",
        ),
        key(
            "missing",
            "text",
            "none",
            "What is said where one of them has no value. An action that finds has then found nothing.",
        ),
        key(
            "secret",
            "`true` or `false`",
            "`false`",
            "What it gives is secret: it is taken out of every answer that comes later, as the tool's own secrets are.",
        ),
    ],
    later: &[],
};
pub(super) const POLL: Shape = Shape {
    name: "`poll`",
    keys: &[
        key("let", "map by name", "none", "Values of the first answer, for the address."),
        key("method", "method", "`GET`", "Of the read that is repeated."),
        key("path", "path", "", "As an action's."),
        key("query", "map", "none", "As an action's."),
        key("headers", "map", "none", "As an action's."),
        key("body", "value", "none", "As an action's."),
        key("form", "map", "none", "As an action's."),
        key("until", "expression", "", "It is finished. Over `in`, `body`, `status`, `headers`."),
        key("every", "duration", "`2s`", "How often it is asked."),
        key("for", "duration", "`1m`", "For how long at most."),
    ],
    later: &[],
};
pub(super) const PAGINATE: Shape = Shape {
    name: "`paginate`",
    keys: &[
        key(
            "by",
            "`link`, `cursor`, `offset` or `page`",
            "",
            "The header `Link`; a value of the answer; how many were found so far; the page's number.",
        ),
        key(
            "from",
            "expression",
            "",
            "For a cursor: the value in the answer. Missing or empty, it was the last page.",
        ),
        key("to", "name", "", "The query parameter that it goes into."),
        key("start", "number", "`1`", "The number of the first page."),
        key("most", "number", "`5`", "How many pages are fetched at most, 50 if need be."),
    ],
    later: &[],
};
pub(super) const USE: Shape = Shape {
    name: "`undo`",
    keys: &[
        key("uses", "action", "", "Another action of this tool."),
        key("with", "map", "none", "Its inputs, over `in` and `out` of this one."),
    ],
    later: &[],
};
pub(super) const VERIFY: Shape = Shape {
    name: "`verify`",
    keys: &[
        key("uses", "action", "", "A read of this tool."),
        key("with", "map", "none", "Its inputs, over `in` of this action."),
        key("happened", "expression", "", "Over `in` of this action, and `out` of the read."),
    ],
    later: &[],
};
pub(super) const IDENTIFY: Shape = Shape {
    name: "`identify`",
    keys: &[
        key("entity", "`host`, `user` …", "", "Whose names these are."),
        key("uses", "action", "", "A read of this tool."),
        key("with", "map", "none", "Its inputs, over `in` of this action."),
        key(
            "names",
            "expression",
            "",
            "A name or a list of them, over `in` of this action and `out` of the read.",
        ),
    ],
    later: &[],
};

/// Each map of a connector file: where it stands, and its keys as a table in Markdown, in the order of `docs/connectors.md`.
pub fn reference() -> Vec<(String, String)> {
    let shapes = [
        ("CONNECTOR", TOOL),
        ("connection", CONNECTION),
        ("connection.fields.NAME", FIELD),
        ("connection.auth", AUTH),
        ("connection.auth.oauth2", OAUTH2),
        ("connection.auth.login", LOGIN),
        ("actions.NAME", ACTION),
        ("actions.NAME.in.NAME", INPUT),
        ("actions.NAME.out.NAME", OUTPUT),
        ("actions.NAME.first", FIRST),
        ("actions.NAME.paginate", PAGINATE),
        ("actions.NAME.poll", POLL),
        ("actions.NAME.verify", VERIFY),
        ("actions.NAME.identify", IDENTIFY),
    ];
    shapes.into_iter().map(|(place, shape)| (place.to_owned(), shape.table())).collect()
}
