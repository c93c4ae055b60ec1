// JSON Schemas made from Slack's types, and what a value has against one.
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

// The schemas of a file of types, as functions: what is wrong with a value; nothing where it is right.
export function schemas(file, { additionalProperties }) {
  const generator = createGenerator({
    path: here(file),
    tsconfig: here('tsconfig.json'),
    additionalProperties,
    expose: 'all',
    skipTypeCheck: true,
  });
  // TypeScript's types are no strict schemas: a union's members may overlap.
  const ajv = new Ajv({ strict: false, allErrors: true });
  return (type) => {
    const validate = ajv.compile(generator.createSchema(type));
    return (value) => (validate(value) ? [] : worst(validate.errors));
  };
}

// Each member of a union says why it is not meant; those that came furthest into the value know best.
function worst(errors) {
  const depth = ({ instancePath }) => instancePath.split('/').length;
  const deepest = Math.max(...errors.map(depth));
  const lines = errors.filter((error) => depth(error) === deepest).map(line);
  return [...new Set(lines)].slice(0, 12);
}

function line({ instancePath, message, params }) {
  return `${instancePath} ${message} ${params.additionalProperty ?? params.allowedValue ?? ''}`.trim();
}
