package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// HandedOut is the oldest message that a consumer was given and has not answered.
type HandedOut struct {
	Consumer string
	Seq      uint64
	ID       doc.ID
	Work     bool // a document to be read, not a revision for a reader that members share
}

// HandedOut gives the oldest message without an answer of each consumer that has some.
// Who has it does not follow from it.
func (q *Queue) HandedOut(ctx context.Context) ([]HandedOut, error) {
	s, err := q.js.Stream(ctx, logStream)
	if err != nil {
		return nil, fmt.Errorf("handed out: %w", unavailable(err))
	}
	var out []HandedOut
	consumers := s.ListConsumers(ctx)
	for info := range consumers.Info() {
		if info.NumAckPending == 0 {
			continue
		}
		e, err := q.get(ctx, logStream, getRequest{Seq: info.AckFloor.Stream + 1, Next: cmp.Or(info.Config.FilterSubject, subjectDocs+".>")})
		if errors.Is(err, errNone) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("handed out: %w", err)
		}
		rec, err := e.record()
		if err != nil {
			return nil, fmt.Errorf("handed out: %w", err)
		}
		out = append(out, HandedOut{Consumer: info.Name, Seq: e.seq, ID: rec.ID, Work: strings.HasPrefix(info.Name, workerName(""))})
	}
	if err := consumers.Err(); err != nil {
		return nil, fmt.Errorf("handed out: %w", unavailable(err))
	}
	return out, nil
}
