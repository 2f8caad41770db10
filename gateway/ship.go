package gateway

import (
	"context"
	"encoding/binary"
	"log/slog"

	"lgsp/gateway/journal"
)

// Shipment is exchanges on their way to the ledger, in the form of the
// journal, so that a node has next to nothing to do for them. ReadShipment
// reads it.
type Shipment struct {
	Count int
	Again bool // some of them may have been shipped before: the node was started anew, or was not told
	Body  []byte
}

// ship packs records of the journal and ships them.
func (n *Node) ship(ctx context.Context, records []journal.Delivered) error {
	s := Shipment{Again: n.doubtful, Body: n.packed[:0]}
	for _, record := range records {
		if record.Unknown || len(record.Record) == 0 || record.Record[0] != recordFormat {
			e, err := readExchange(record.Record)
			if err != nil {
				slog.ErrorContext(ctx, "journal holds a record that is no exchange", "err", err)
				continue
			}
			if record.Unknown {
				e.Unknown, e.Status, e.Complete = true, 0, false
			}
			record.Record = e.appendTo(nil)
		}
		s.Count++
		s.Body = append(binary.AppendUvarint(s.Body, uint64(len(record.Record))), record.Record...)
	}
	n.packed = s.Body
	if s.Count == 0 {
		return nil
	}
	n.doubtful = true // until it is known that they arrived
	err := within(ctx, askPatience, func(ctx context.Context) error { return n.Ship(ctx, s) })
	n.doubtful = err != nil
	return err
}

// ReadShipment gives the exchanges of a shipment's body.
func ReadShipment(body []byte) ([]Exchange, error) {
	var list []Exchange
	for len(body) > 0 {
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body)-n) {
			return nil, errRecord
		}
		e, err := readExchange(body[n : n+int(size)])
		if err != nil {
			return nil, err
		}
		list, body = append(list, e), body[n+int(size):]
	}
	return list, nil
}
