// Package engine is the connection to Docker: where the engine is, what it is, and what to say where there is none.
//
// [Open] looks in the places where an engine may be, asks the first that answers what it is, and returns an [Engine]:
// the client of github.com/moby/moby/client, with the API version both sides speak, and the facts that decide what a
// run can do. The places, in order:
//
//   - DOCKER_HOST, with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; where it is set, nothing else is tried;
//   - DOCKER_CONTEXT, likewise the only place where it is set, or the current context of Docker's own config.json;
//   - the sockets at which Docker, rootless Docker, Docker Desktop and Colima listen.
//
// Whoever asked for an engine gets that one or an error, never another one. The error is an [Unreachable]: it tells
// each place that was tried, what happened there, and what to do about it. A place that hangs costs a few seconds.
package engine
