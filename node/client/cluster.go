package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

const cluster = prefix + "/cluster"

// Cluster gives the cluster as the member that answers sees it.
func (c *Client) Cluster(ctx context.Context) (doc.ClusterView, error) {
	var out doc.ClusterView
	err := c.get(ctx, cluster, nil, &out)
	return out, err
}

// JoinToken makes what a new machine shows to be let in, once, within ttl.
func (c *Client) JoinToken(ctx context.Context, ttl time.Duration) (doc.JoinToken, error) {
	in := struct {
		TTL string `json:"ttl"`
	}{ttl.String()}
	var out doc.JoinToken
	err := c.send(ctx, http.MethodPost, cluster+"/tokens", in, &out)
	return out, err
}

// Drain has a member, by name or ID, finish its work and take no more; with on
// false it takes work again.
func (c *Client) Drain(ctx context.Context, member string, on bool) error {
	in := struct {
		On bool `json:"on"`
	}{on}
	return c.send(ctx, http.MethodPost, cluster+"/members/"+segment(member)+"/drain", in, nil)
}

// Remove has a member, by name or ID, leave for good. force gives up what only it
// holds, and is refused for one that is up. Cluster tells how it goes on.
func (c *Client) Remove(ctx context.Context, member string, force bool) error {
	r := request{method: http.MethodDelete, path: cluster + "/members/" + segment(member)}
	if force {
		r.query = url.Values{"force": {"true"}}
	}
	return c.call(ctx, r, nil)
}

// Finalise puts the features of an upgrade into use, for good.
func (c *Client) Finalise(ctx context.Context) error {
	return c.call(ctx, request{method: http.MethodPost, path: cluster + "/finalise"}, nil)
}
