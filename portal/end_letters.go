package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// ReadersOf gives a notice for each who decides for the agency that a notice is
// for; none when it is for one person.
func (p *Portal) ReadersOf(ctx context.Context, args []byte) ([]Notice, error) {
	n, err := noticeIn(args)
	if err != nil || n.Person != uuid.Nil {
		return nil, err
	}
	ids, err := p.readers(ctx, n)
	each := make([]Notice, len(ids))
	for i, id := range ids {
		each[i] = n
		each[i].Person = id
	}
	return each, err
}

// WriteEndLetter writes to one person that an agreement ends.
func (p *Portal) WriteEndLetter(ctx context.Context, args []byte) error {
	n, err := noticeIn(args)
	if err != nil || n.Person == uuid.Nil { // an agency without anyone who decides
		return err
	}
	if n.Agency != uuid.Nil {
		n.What += "-agency"
	}
	return p.writeTo(ctx, n)
}

func noticeIn(args []byte) (Notice, error) {
	var n Notice
	if err := json.Unmarshal(args, &n); err != nil {
		return n, fmt.Errorf("read notice: %w", err)
	}
	return n, nil
}

// dayWritten is a day as a letter says it; what is none stays as it is.
func dayWritten(locale, day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format(map[string]string{"vi": "2/1/2006", "en": "2 January 2006"}[locale])
}
