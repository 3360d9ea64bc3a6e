package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/recto-edge/recto/node/doc"
)

// What members say to each other is JSON, and an error is a doc.Error.

func writeAnswer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who asked is gone
}

// statusOf says what happened to machines between members.
var statusOf = map[doc.Code]int{
	doc.Invalid: http.StatusBadRequest, doc.NotFound: http.StatusNotFound, doc.Conflict: http.StatusConflict,
	doc.TooLarge: http.StatusRequestEntityTooLarge, doc.Full: http.StatusInsufficientStorage, doc.Unavailable: http.StatusServiceUnavailable,
}

func writeFailure(w http.ResponseWriter, err error) {
	reason := reasonOf(err)
	status, ok := statusOf[reason.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(reason)
}

// postTo sends JSON to another member and reads its answer into into, if not nil.
func (n *Node) postTo(ctx context.Context, id, path string, body any, limit int64, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+id+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	return n.exchange(req, limit, into)
}

// getFrom asks another member for JSON of at most limit bytes.
func (n *Node) getFrom(ctx context.Context, id, path string, limit int64, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+id+path, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	return n.exchange(req, limit, into)
}

func (n *Node) exchange(req *http.Request, limit int64, into any) error {
	resp, err := n.control.HTTP().Do(req)
	if err != nil {
		return fmt.Errorf("ask another member: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return fmt.Errorf("ask another member: %w", err)
	}
	if int64(len(raw)) > limit {
		return doc.Errorf(doc.TooLarge, "another member answered more than %d bytes", limit)
	}
	if resp.StatusCode >= 300 {
		var e doc.Error
		if json.Unmarshal(raw, &e) != nil || e.Code == "" {
			e = doc.Error{Code: doc.Unavailable, Message: "another member answered " + resp.Status}
		}
		return &e
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("read the answer of another member: %w", err)
	}
	return nil
}
