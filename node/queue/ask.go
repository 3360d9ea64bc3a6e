package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// ask sends a request to the broker's administration and reads its answer into
// answer, which may be nil. A refusal is an *apiError.
func ask(ctx context.Context, nc *nats.Conn, subject string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	m, err := nc.RequestWithContext(ctx, subject, body)
	if err != nil {
		return unavailable(err)
	}
	var refusal struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &refusal); err != nil {
		return unavailable(fmt.Errorf("read answer: %w", err))
	}
	if refusal.Error != nil {
		return refusal.Error
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(m.Data, answer); err != nil {
		return unavailable(fmt.Errorf("read answer: %w", err))
	}
	return nil
}

// askAll asks all servers and gives their answers to each until it says that it
// has enough, or ctx ends: then it answers nil, because nobody knows how many
// servers there are.
func askAll(ctx context.Context, nc *nats.Conn, subject string, request any, each func(body []byte) (enough bool)) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return unavailable(err)
	}
	defer sub.Unsubscribe()
	if err := nc.PublishRequest(subject, inbox, body); err != nil {
		return unavailable(err)
	}
	for {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, nats.ErrNoResponders), err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return unavailable(err)
		case each(m.Data):
			return nil
		}
	}
}
