package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Types gives all document types.
func (c *Client) Types(ctx context.Context) ([]doc.Type, error) {
	var out []doc.Type
	err := c.get(ctx, prefix+"/types", nil, &out)
	return out, err
}

// Type gives one document type.
func (c *Client) Type(ctx context.Context, name string) (doc.Type, error) {
	var out doc.Type
	err := c.get(ctx, prefix+"/types/"+segment(name), nil, &out)
	return out, err
}

// PutType adds or replaces a document type.
func (c *Client) PutType(ctx context.Context, t doc.Type) error {
	return c.send(ctx, http.MethodPut, prefix+"/types/"+segment(t.Name), t, nil)
}

// DeleteType removes a document type.
func (c *Client) DeleteType(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: prefix + "/types/" + segment(name)}, nil)
}

// Status is what a node says about itself.
type Status struct {
	Node      string          `json:"node"` // id
	Name      string          `json:"name"`
	Cluster   string          `json:"cluster"`
	Standing  doc.MemberState `json:"standing,omitempty"` // in its cluster
	Version   string          `json:"version"`
	Commit    string          `json:"commit,omitempty"`
	StartedAt time.Time       `json:"started_at"`
	Ready     bool            `json:"ready"`
	Missing   []string        `json:"missing"` // parts that are not ready
	Engines   []Engine        `json:"engines"`
	Models    []string        `json:"models"` // name@sha256:…
	Limits    struct {
		MaxBytes  int64 `json:"max_bytes"`
		MaxPages  int   `json:"max_pages"`
		MaxPixels int64 `json:"max_pixels"`
	} `json:"limits"`
}

// Engine is a part of a node with a life of its own.
type Engine struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	State   string `json:"state"` // ok, starting, down
	Detail  string `json:"detail,omitempty"`
}

// Status asks the node about itself.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var out Status
	err := c.get(ctx, prefix+"/status", nil, &out)
	return out, err
}

// Overview gives counts of documents.
func (c *Client) Overview(ctx context.Context) (doc.Overview, error) {
	var out doc.Overview
	err := c.get(ctx, prefix+"/overview", nil, &out)
	return out, err
}

// Ready says what the node is missing; empty means it is ready. An error means
// that it does not answer at all. Of several members it asks the one that worked
// last.
func (c *Client) Ready(ctx context.Context) ([]string, error) {
	base := c.bases[c.at.Load()]
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String()+"/readyz", nil)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &doc.Error{Code: doc.Unavailable, Message: "cannot reach the node at " + base.Host + ": " + reason(err), Err: err}
	}
	defer res.Body.Close()
	var out struct {
		Missing []string `json:"missing"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxError)).Decode(&out); err != nil {
		return nil, doc.Errorf(doc.Internal, "the node answered %s, and not as a Recto node does", res.Status)
	}
	return out.Missing, nil
}

// Setup makes the first admin with the one-time token that the node printed.
func (c *Client) Setup(ctx context.Context, token, name, password string) error {
	in := struct {
		Token    string `json:"token"`
		Name     string `json:"name"`
		Password string `json:"password"`
	}{token, name, password}
	res := struct{}{}
	return c.send(ctx, http.MethodPost, prefix+"/setup", in, &res)
}

// Identity is who the key belongs to.
type Identity struct {
	Kind        string   `json:"kind"`
	Name        string   `json:"name"`
	Role        string   `json:"role"`
	Permissions []string `json:"permissions"`
}

// Me says who this client is to the node.
func (c *Client) Me(ctx context.Context) (Identity, error) {
	var out Identity
	err := c.get(ctx, prefix+"/me", nil, &out)
	return out, err
}

// Key is an API key, without its secret.
type Key struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// Keys gives all API keys.
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	var out []Key
	err := c.get(ctx, prefix+"/api-keys", nil, &out)
	return out, err
}

// CreateKey makes an API key and gives the only copy of its secret. A zero
// expires means never.
func (c *Client) CreateKey(ctx context.Context, name, role string, expires time.Time) (Key, string, error) {
	in := struct {
		Name      string     `json:"name"`
		Role      string     `json:"role"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
	}{Name: name, Role: role}
	if !expires.IsZero() {
		in.ExpiresAt = &expires
	}
	var out struct {
		Key    Key    `json:"key"`
		Secret string `json:"secret"`
	}
	err := c.send(ctx, http.MethodPost, prefix+"/api-keys", in, &out)
	return out.Key, out.Secret, err
}

// DeleteKey removes an API key.
func (c *Client) DeleteKey(ctx context.Context, id string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: prefix + "/api-keys/" + segment(id)}, nil)
}
