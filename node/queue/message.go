package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

const headerRevision = "Recto-Revision"

// laneRest is the lane of every revision that is not waiting to be read. The
// lanes of the others are the priorities: workers see queued revisions only.
const laneRest = "rest"

func lane(rec doc.Record) string {
	if rec.State != doc.StateQueued {
		return laneRest
	}
	return waitingLane(rec)
}

// waitingLane is the lane of a revision that somebody has to work on.
func waitingLane(rec doc.Record) string {
	for _, p := range doc.Priorities {
		if rec.Priority == p {
			return string(p)
		}
	}
	return string(doc.Normal)
}

// ofDocument is the subject of all revisions of a document, in any lane.
func ofDocument(id doc.ID) string { return subjectDocs + ".*." + string(id) }

// encode makes the message of a revision.
func encode(rec doc.Record) (*nats.Msg, error) {
	if !rec.ID.Valid() || rec.Revision == 0 {
		return nil, doc.Errorf(doc.Invalid, "not a revision of a document: %q, revision %d", rec.ID, rec.Revision)
	}
	body, err := json.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	if len(body) > maxMessage {
		return nil, doc.Errorf(doc.TooLarge, "the record of document %s has %d bytes, over %d", rec.ID, len(body), maxMessage)
	}
	m := nats.NewMsg(subjectDocs + "." + lane(rec) + "." + string(rec.ID))
	m.Header.Set(headerRevision, strconv.FormatUint(rec.Revision, 10))
	m.Data = body
	return m, nil
}

// entry is a message as it stands in the log.
type entry struct {
	seq      uint64
	subject  string
	revision uint64
	body     []byte
}

func (e entry) record() (doc.Record, error) {
	var rec doc.Record
	if err := json.Unmarshal(e.body, &rec); err != nil {
		return doc.Record{}, fmt.Errorf("decode record at sequence %d: %w", e.seq, err)
	}
	return rec, nil
}

// waiting says whether e is a revision that waits to be read.
func (e entry) waiting() bool { return !strings.HasPrefix(e.subject, subjectDocs+"."+laneRest+".") }

// errNone says that no message matches.
var errNone = errors.New("no such message")

// get asks for one message of a stream without a consumer.
func (q *Queue) get(ctx context.Context, stream string, request any) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	m, err := q.nc.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+stream, body)
	if err != nil {
		return nil, unavailable(err)
	}
	switch m.Header.Get("Status") {
	case "":
		return m, nil
	case "404":
		return nil, errNone
	}
	return nil, unavailable(fmt.Errorf("get message: %s %s", m.Header.Get("Status"), m.Header.Get("Description")))
}

// entryOf reads a message that came by get or by a consumer-less batch.
func entryOf(m *nats.Msg) (entry, error) {
	seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return entry{}, fmt.Errorf("read sequence: %w", err)
	}
	revision, err := strconv.ParseUint(m.Header.Get(headerRevision), 10, 64)
	if err != nil {
		return entry{}, fmt.Errorf("read revision at sequence %d: %w", seq, err)
	}
	return entry{seq: seq, subject: m.Header.Get(jetstream.SubjectHeader), revision: revision, body: m.Data}, nil
}

type lastRequest struct {
	Subject string `json:"last_by_subj"`
}

type nextRequest struct {
	Seq     uint64 `json:"seq"`
	Subject string `json:"next_by_subj"`
	Batch   int    `json:"batch,omitempty"`
}

// last gives the last revision of a document, or errNone.
func (q *Queue) last(ctx context.Context, id doc.ID) (entry, error) {
	m, err := q.get(ctx, logStream, lastRequest{ofDocument(id)})
	if err != nil {
		return entry{}, err
	}
	return entryOf(m)
}

// next gives the first revision of a document at or after seq, or errNone.
func (q *Queue) next(ctx context.Context, id doc.ID, seq uint64) (entry, error) {
	m, err := q.get(ctx, logStream, nextRequest{Seq: seq, Subject: ofDocument(id)})
	if err != nil {
		return entry{}, err
	}
	return entryOf(m)
}

// Latest gives the last revision of a document and its sequence, or NotFound.
func (q *Queue) Latest(ctx context.Context, id doc.ID) (doc.Record, uint64, error) {
	if !id.Valid() {
		return doc.Record{}, 0, doc.Errorf(doc.NotFound, "there is no document %q", id)
	}
	e, err := q.last(ctx, id)
	if errors.Is(err, errNone) {
		return doc.Record{}, 0, doc.Errorf(doc.NotFound, "there is no document %s", id)
	}
	if err != nil {
		return doc.Record{}, 0, fmt.Errorf("latest of %s: %w", id, err)
	}
	rec, err := e.record()
	return rec, e.seq, err
}

// find gives the sequence of the revision that m holds, if the log holds the same
// bytes, or a Conflict.
func (q *Queue) find(ctx context.Context, id doc.ID, revision uint64, body []byte) (uint64, error) {
	for seq := uint64(1); ; {
		e, err := q.next(ctx, id, seq)
		if errors.Is(err, errNone) {
			return 0, doc.Errorf(doc.Conflict, "revision %d of document %s has no predecessor in the log", revision, id)
		}
		if err != nil {
			return 0, err
		}
		if e.revision == revision {
			if bytes.Equal(e.body, body) {
				return e.seq, nil
			}
			return 0, doc.Errorf(doc.Conflict, "document %s has another revision %d: look again and repeat", id, revision)
		}
		seq = e.seq + 1
	}
}
