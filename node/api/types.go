package api

import (
	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

func (s *Server) typeRoutes() []route {
	const base = prefix + "/types"
	return []route{
		{method: "GET", path: base, perm: auth.TypesRead, handler: s.types, summary: "all document types", answer: []doc.Type{}},
		{method: "GET", path: base + "/:type", perm: auth.TypesRead, handler: s.getType, summary: "one document type", answer: doc.Type{}},
		{method: "PUT", path: base + "/:type", perm: auth.TypesWrite, action: "type.put", handler: s.putType, summary: "add or replace a document type", body: doc.Type{}, answer: doc.Type{}},
		{method: "DELETE", path: base + "/:type", perm: auth.TypesWrite, action: "type.delete", handler: s.deleteType, summary: "remove a document type", status: fiber.StatusNoContent},
	}
}

func (s *Server) types(c *call) error {
	types, err := s.ports.Types.List(c.ctx)
	if err != nil {
		return err
	}
	if types == nil {
		types = []doc.Type{}
	}
	return c.JSON(types)
}

func (s *Server) getType(c *call) error {
	t, err := s.ports.Types.Get(c.ctx, c.Params("type"))
	if err != nil {
		return err
	}
	return c.JSON(t)
}

func (s *Server) putType(c *call) error {
	t := c.input.(*doc.Type)
	name := c.Params("type")
	if t.Name == "" {
		t.Name = name
	}
	if t.Name != name {
		return doc.Errorf(doc.Invalid, "the body says type %q, the address %q", t.Name, name)
	}
	if err := t.Validate(); err != nil {
		return err
	}
	if err := s.ports.Types.Put(c.ctx, *t, c.who.String()); err != nil {
		return err
	}
	return c.JSON(t)
}

func (s *Server) deleteType(c *call) error {
	return s.ports.Types.Delete(c.ctx, c.Params("type"), c.who.String())
}
