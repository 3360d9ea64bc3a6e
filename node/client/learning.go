package client

import (
	"context"
	"net/http"

	"github.com/recto-edge/recto/node/doc"
)

// Review says what is right on a document and gives the new revision. Conflict
// when correction.Revision is not the newest any more.
func (c *Client) Review(ctx context.Context, id doc.ID, correction doc.Correction) (doc.Record, error) {
	var out doc.Record
	err := c.send(ctx, http.MethodPost, documents+"/"+segment(string(id))+"/review", correction, &out)
	return out, err
}

// Erase removes a document for good and gives the tombstone that stays.
func (c *Client) Erase(ctx context.Context, id doc.ID) (doc.Record, error) {
	var out doc.Record
	err := c.call(ctx, request{method: http.MethodDelete, path: documents + "/" + segment(string(id))}, &out)
	return out, err
}

// Compare reads a document with several models: digests, "live", "shipped" or
// "rules". Nothing of it is kept.
func (c *Client) Compare(ctx context.Context, id doc.ID, models []string) (doc.Comparison, error) {
	in := struct {
		Models []string `json:"models"`
	}{models}
	var out doc.Comparison
	err := c.send(ctx, http.MethodPost, documents+"/"+segment(string(id))+"/compare", in, &out)
	return out, err
}

func ofType(name, rest string) string { return prefix + "/types/" + segment(name) + rest }

// Models gives the models of a type and what the background training does.
func (c *Client) Models(ctx context.Context, typeName string) (doc.ModelList, error) {
	var out doc.ModelList
	err := c.get(ctx, ofType(typeName, "/models"), nil, &out)
	return out, err
}

// Train asks for a training in the background.
func (c *Client) Train(ctx context.Context, typeName string) (doc.ModelList, error) {
	var out doc.ModelList
	err := c.call(ctx, request{method: http.MethodPost, path: ofType(typeName, "/train")}, &out)
	return out, err
}

// Activate makes a model the live one: its digest, the beginning of it, or
// "shipped".
func (c *Client) Activate(ctx context.Context, typeName, model string) (doc.ModelList, error) {
	var out doc.ModelList
	err := c.call(ctx, request{method: http.MethodPost, path: ofType(typeName, "/models/"+segment(model)+"/activate")}, &out)
	return out, err
}

// Targets gives what is asked of accepted values, and the promises that follow.
func (c *Client) Targets(ctx context.Context, typeName string) (doc.TargetReport, error) {
	var out doc.TargetReport
	err := c.get(ctx, ofType(typeName, "/targets"), nil, &out)
	return out, err
}

// PutTargets says how many of the accepted values may be wrong.
func (c *Client) PutTargets(ctx context.Context, typeName string, t doc.Targets) (doc.TargetReport, error) {
	var out doc.TargetReport
	err := c.send(ctx, http.MethodPut, ofType(typeName, "/targets"), t, &out)
	return out, err
}
