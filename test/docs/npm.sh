#!/bin/sh
# `npm` for the tests of the docs. What takes minutes, or is running already, is looked for and not run;
# everything else is npm's.
exists() { node -e 'process.exit(process.argv[1] in require("./package.json").scripts ? 0 : 1)' "$1"; }
case "$*" in
  ci) test -f package-lock.json ;;
  start | test | "run lint" | "run typecheck" | "run codegen") exists "${2:-$1}" ;;
  "run bench") exec "$REAL_NPM" run bench --silent -- --help ;;
  *) exec "$REAL_NPM" "$@" ;;
esac
