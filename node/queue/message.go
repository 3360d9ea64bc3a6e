package queue

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

const headerRevision = "Recto-Revision"

// ofDocument is the subject of all revisions of a document, in any lane.
func ofDocument(id doc.ID) string { return subjectDocs + ".*." + string(id) }

// encode makes the message of a revision.
func (q *Queue) encode(rec doc.Record) (*nats.Msg, error) {
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
	m := nats.NewMsg(subjectDocs + "." + q.lane(rec) + "." + string(rec.ID))
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
func (e entry) waiting() bool { return e.lane() != laneRest }

// lane gives the second word of e's subject.
func (e entry) lane() string {
	lane, _, _ := strings.Cut(strings.TrimPrefix(e.subject, subjectDocs+"."), ".")
	return lane
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
