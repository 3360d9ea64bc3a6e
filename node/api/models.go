package api

import (
	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

func (s *Server) modelRoutes() []route {
	const base = prefix + "/types/:type"
	return []route{
		{
			method: "GET", path: base + "/models", perm: auth.TypesRead, handler: s.models, answer: doc.ModelList{},
			summary: "the models of a type with their figures, and what the background training does",
		},
		{
			method: "POST", path: base + "/train", perm: auth.TypesWrite, action: "model.train", handler: s.train, status: fiber.StatusAccepted,
			summary: "train on all reviewed documents of the type, in the background", answer: doc.ModelList{},
		},
		{
			method: "POST", path: base + "/models/:model/activate", perm: auth.Learn, action: "model.activate", handler: s.activate,
			summary: "make a model the live one", answer: doc.ModelList{},
		},
		{
			method: "GET", path: base + "/targets", perm: auth.TypesRead, handler: s.targets, answer: doc.TargetReport{},
			summary: "what is asked of accepted values, and the promise that follows for each field",
		},
		{
			method: "PUT", path: base + "/targets", perm: auth.Learn, action: "targets.put", handler: s.putTargets, body: doc.Targets{}, answer: doc.TargetReport{},
			summary: "say how many of the accepted values may be wrong",
		},
	}
}

func (s *Server) models(c *call) error {
	out, err := s.ports.Models.Models(c.ctx, c.Params("type"))
	if err != nil {
		return err
	}
	return c.JSON(out)
}

func (s *Server) train(c *call) error {
	out, err := s.ports.Models.Train(c.ctx, c.Params("type"), c.who.String())
	if err != nil {
		return err
	}
	return c.JSON(out)
}

func (s *Server) activate(c *call) error {
	model, err := c.param("model")
	if err != nil {
		return err
	}
	out, err := s.ports.Models.Activate(c.ctx, c.Params("type"), model, c.who.String())
	if err != nil {
		return err
	}
	return c.JSON(out)
}

func (s *Server) targets(c *call) error {
	out, err := s.ports.Models.Targets(c.ctx, c.Params("type"))
	if err != nil {
		return err
	}
	return c.JSON(out)
}

func (s *Server) putTargets(c *call) error {
	out, err := s.ports.Models.PutTargets(c.ctx, c.Params("type"), *c.input.(*doc.Targets), c.who.String())
	if err != nil {
		return err
	}
	return c.JSON(out)
}
