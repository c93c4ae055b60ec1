"""CrowdStrike's operations, as its own client for Python knows them, as an OpenAPI document on stdout.

The client's table has each operation's method, path and parameters. What a body and an answer look like it does not say.
"""

import json

from falconpy._endpoint import api_endpoints

KEPT = ("name", "in", "required", "type", "items", "collectionFormat", "enum", "minimum", "maximum")
# What is asked for first are ids; Falcon wraps whatever it gives in `resources`.
ANSWER = {"resources": ["a1b2c3d4e5f6"], "errors": [], "meta": {"trace_id": "0"}}


def parameter(said):
    kept = {key: said[key] for key in KEPT if key in said}
    return {**kept, "schema": {"type": "object"}} if kept["in"] == "body" else kept


def operation(name, parameters):
    answer = {"description": "As Falcon answers", "schema": {}, "examples": {"application/json": ANSWER}}
    return {"operationId": name, "parameters": [parameter(said) for said in parameters], "responses": {"200": answer}}


paths = {}
for name, method, path, _, _, *parameters in api_endpoints:
    # The table has some operations twice, in an older spelling; and a few without a list.
    known = parameters[0] if parameters and isinstance(parameters[0], list) else []
    paths.setdefault(path.split("?")[0], {}).setdefault(method.lower(), operation(name, known))

print(json.dumps({
    "swagger": "2.0",
    "info": {"title": "CrowdStrike Falcon", "version": "1"},
    "consumes": ["application/json", "application/x-www-form-urlencoded"],
    "produces": ["application/json"],
    "paths": paths,
}))
