package client

import (
	"context"
	"io"
	"net/http"
)

// Restored says what a restore brought back.
type Restored struct {
	Objects   int `json:"objects"`   // in the backup
	Documents int `json:"documents"` // in the node's blob store now
	Returned  int `json:"returned"`  // documents the log did not know
}

// Backup opens a stream of everything the node keeps; the caller closes it. A
// stream that was cut gives an error before its end.
func (c *Client) Backup(ctx context.Context) (io.ReadCloser, error) {
	res, err := c.open(ctx, request{method: http.MethodPost, path: prefix + "/backup"})
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// Restore brings a backup of size bytes into the running node.
func (c *Client) Restore(ctx context.Context, r io.Reader, size int64) (Restored, error) {
	var out Restored
	err := c.call(ctx, request{method: http.MethodPost, path: prefix + "/restore", body: func() io.Reader { return r }, once: true, size: size, media: "application/x-tar"}, &out)
	return out, err
}
