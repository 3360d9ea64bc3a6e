// Package api is the door for programs and people: HTTP under /api/v1, the
// pages of the UI, health and metrics. It is the only package that knows Fiber.
//
// It owns one route table (method, path, permission, handler, audit action, and
// what OpenAPI says about it); a route that is not in the table does not exist,
// and a route without a permission is refused. It guarantees that uploads are
// streamed and never held in memory as a whole, that a truncated upload is never
// acknowledged, that every error a user sees has a code and a request id, and
// that no document content reaches a log. It never decides anything about
// documents: each handler parses, calls one method of a port, and renders.
package api
