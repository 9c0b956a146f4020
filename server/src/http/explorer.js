// What the explorer sends is what is typed into it. It would send the examples of optional parameters too, which
// are of another server: pages that aren't there, entity tags that don't match. They are told in words instead.
const typed = (spec) => {
  const told = (parameter) => {
    if (parameter.in === "path" || parameter.required || parameter.example === undefined) return;
    parameter.description = `${parameter.description ?? ""}\n\nFor example \`${parameter.example}\`.`;
    delete parameter.example;
  };
  Object.values(spec.components?.parameters ?? {}).forEach(told);
  for (const item of Object.values(spec.paths ?? {})) {
    for (const holder of [item, ...Object.values(item)]) (holder.parameters ?? []).forEach(told);
  }
  return spec;
};
const Typed = () => ({
  statePlugins: { spec: { wrapActions: { updateJsonSpec: (original) => (spec) => original(typed(spec)) } } },
});
// Without this a browser asks for a password itself where the answer is 401, and the answer is never shown.
const omitting = (request) => Object.assign(request, { credentials: "omit" });
