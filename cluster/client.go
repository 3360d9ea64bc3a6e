package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// maxMessage is the largest message between members, in bytes.
const maxMessage = 16 << 20

// callerKey is where a request carries who sent it.
type callerKey struct{}

// Caller gives the node ID of the member that sent a request to a handler which
// was given to Handle.
func Caller(r *http.Request) string {
	id, _ := r.Context().Value(callerKey{}).(string)
	return id
}

// Handle serves pattern (as http.ServeMux has it) on the peer port, to members
// only. What nobody handles, or not yet, is answered 503. It panics on a pattern
// that is taken.
func (c *Cluster) Handle(pattern string, h http.Handler) {
	c.mux.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ok := "", false
		if r.TLS != nil {
			id, ok = c.creds.admit(*r.TLS)
		}
		if !ok {
			c.turnAway(w, id)
			return
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, id)))
	}))
}

// turnAway answers somebody who is no member. A removed one is told so.
func (c *Cluster) turnAway(w http.ResponseWriter, id string) {
	if m, ok := c.Member(id); ok && m.State == Removed {
		writeError(w, c.keptOut(m))
		return
	}
	http.Error(w, "members only", http.StatusForbidden)
}

// HTTP gives the client for requests to other members: "https://<node ID>/path".
// It makes sure that the one who answers is that member. It sets no time limit;
// the requests' contexts do.
func (c *Cluster) HTTP() *http.Client { return c.http }

func (c *Cluster) newHTTP() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			id, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return c.dialMember(ctx, id, protoHTTP)
		},
		MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		ExpectContinueTimeout: time.Second, // a member without room refuses a large object before it is sent
	}}
}

// call posts in to another member and reads its answer into out.
func (c *Cluster) call(ctx context.Context, id, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+id+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return exchange(c.http, req, out)
}

// exchange sends a request and reads the answer into out, or the error that it is.
func exchange(client *http.Client, req *http.Request, out any) error {
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(data, out); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		return nil
	}
	var w wireError
	if json.Unmarshal(data, &w) == nil && w.Code != "" {
		return w.err()
	}
	return fmt.Errorf("answer %s: %s", resp.Status, bytes.TrimSpace(data[:min(len(data), 200)]))
}

// answerJSON makes a handler of a function from request to answer.
func answerJSON[In, Out any](fn func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(&in); err != nil {
			writeError(w, fmt.Errorf("read request: %w", err))
			return
		}
		out, err := fn(r.Context(), in)
		if err != nil {
			writeError(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(out); err != nil {
			panic(http.ErrAbortHandler) // the caller must not take it for a whole answer
		}
	})
}

func writeError(w http.ResponseWriter, err error) {
	status := http.StatusConflict
	switch {
	case errors.Is(err, ErrRemoved):
		status = http.StatusGone
	case errors.Is(err, ErrNotLeader), errors.Is(err, ErrNoQuorum), errors.Is(err, ErrClosed):
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(toWire(err)) // a caller that went away needs no answer
}
