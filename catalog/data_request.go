package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The states of a data request beside Held, Hidden and Published.
const (
	Received   = "received"
	Accepted   = "accepted"
	InProgress = "in-progress"
	Declined   = "declined"
)

// DataRequest is data that somebody asks for, and what became of it. It is
// public unless it is held or hidden.
type DataRequest struct {
	ID        uuid.UUID `json:"id"`
	Title     string    `json:"title"`
	Text      string    `json:"text"` // plain
	State     string    `json:"state"`
	Reason    string    `json:"reason"` // why it was declined or hidden, or a remark
	Author    uuid.UUID `json:"-"`
	Name      string    `json:"name" db:"-"` // who asks; "" once the account is gone
	AgencyID  uuid.UUID `json:"agency_id"`   // 0…0: none yet
	Agency    Agency    `json:"agency" db:"-"`
	Slug      string    `json:"dataset"` // that answers it, when it is published
	SetVI     string    `json:"dataset_title_vi"`
	SetEN     string    `json:"dataset_title_en"`
	Votes     int       `json:"votes"`
	Voted     bool      `json:"voted"`  // by the reader
	DueAt     time.Time `json:"due_at"` // until when it is to be decided
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// IsOpen reports that nobody has decided of the request for good.
func (r DataRequest) IsOpen() bool {
	return r.State == Received || r.State == Accepted || r.State == InProgress
}

// NewDataRequest is what somebody asks for.
type NewDataRequest struct {
	Title  string    `json:"title"`  // at most 150 characters
	Text   string    `json:"text"`   // which data, and what for; plain, at most 4000 characters
	Agency uuid.UUID `json:"agency"` // who should have them; 0…0: the operator finds out
}

const dataRequestColumns = `
select r.id, r.title, r.text, r.state, r.reason, coalesce(r.author, '00000000-0000-0000-0000-000000000000') as author,
       coalesce(r.agency_id, '00000000-0000-0000-0000-000000000000') as agency_id, coalesce(d.slug, '') as slug,
       coalesce(d.title_vi, '') as set_vi, coalesce(d.title_en, '') as set_en, r.votes,
       exists (select from catalog.data_request_vote v where v.request_id = r.id and v.person = $1) as voted,
       r.due_at, r.created_at, r.updated_at
  from catalog.data_request r
  left join catalog.dataset d on d.id = r.dataset_id and d.state = 'published'`

const (
	dataRequestSQL = dataRequestColumns + ` where r.id = $2`

	dataRequestsSQL = dataRequestColumns + `
 where ($2 = '' or r.state = $2)
   and ($3 = '00000000-0000-0000-0000-000000000000'::uuid or r.agency_id = $3)
   and (r.state not in ('held', 'hidden') or $4 or r.author = $1 and r.state = 'held')
   and (not $5 or r.agency_id is null)
   and ($7::uuid is null or (case when $6 then r.votes else 0 end, r.id) <
        (select case when $6 then n.votes else 0 end, n.id from catalog.data_request n where n.id = $7))
 order by case when $6 then r.votes else 0 end desc, r.id desc
 limit $8`

	insertDataRequestSQL = `
insert into catalog.data_request (id, author, agency_id, title, text, state, reason, fingerprint, votes, due_at, created_at, updated_at)
values ($1, $2, nullif($3, '00000000-0000-0000-0000-000000000000'::uuid), $4, $5, $6, '', $7, 1, $8, $9, $9)`

	voteSQL = `
insert into catalog.data_request_vote (request_id, person, created_at) values ($1, $2, $3)
on conflict on constraint data_request_vote_key do nothing`
)

// DataRequestFilter narrows a list.
type DataRequestFilter struct {
	State      string    // "" is all that who sees
	Agency     uuid.UUID // uuid.Nil: of all
	Unassigned bool      // only those that no agency has
	ByVotes    bool      // the most wanted first; else the newest
	Limit      int       // 1 to 100, 0 is 20
	After      string    // next of the page before
}

// mayDecide is what the policy says of who decides of an agency's requests;
// those of no agency are the operator's.
func (c *Catalog) mayDecide(ctx context.Context, who auth.Principal, agency uuid.UUID) error {
	if who.SignedIn() && c.May(ctx, who, "dataset.edit", agency) == nil {
		return nil
	}
	return c.May(ctx, who, "dataset.approve", agency)
}

// DataRequests lists what people ask for, and the cursor of the next page. What
// is held or hidden is listed to those who decide for the agency asked for.
func (c *Catalog) DataRequests(ctx context.Context, who auth.Principal, f DataRequestFilter) ([]DataRequest, string, error) {
	limit, err := pageLimit(f.Limit)
	if err != nil {
		return nil, "", err
	}
	var after *uuid.UUID
	if f.After != "" {
		id, err := uuid.Parse(f.After)
		if err != nil {
			return nil, "", badCursor()
		}
		after = &id
	}
	all := who.SignedIn() && (f.Agency != uuid.Nil || f.Unassigned) && c.mayDecide(ctx, who, f.Agency) == nil
	list, err := pg.All[DataRequest](ctx, c.DB, dataRequestsSQL, personOf(who), f.State, f.Agency, all, f.Unassigned, f.ByVotes, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list data requests: %w", err)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID.String()
	}
	return list, next, c.completeRequests(ctx, list)
}

// completeRequests fills in agencies and names.
func (c *Catalog) completeRequests(ctx context.Context, list []DataRequest) error {
	var agencies, people []uuid.UUID
	for _, r := range list {
		if r.AgencyID != uuid.Nil {
			agencies = append(agencies, r.AgencyID)
		}
		if r.Author != uuid.Nil {
			people = append(people, r.Author)
		}
	}
	of, err := c.Agencies(ctx, agencies)
	if err != nil {
		return err
	}
	names, err := c.Names(ctx, people)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Agency, list[i].Name = of[list[i].AgencyID], names[list[i].Author]
	}
	return nil
}

// DataRequest gives one request: anyone sees it unless it is held or hidden; then
// who decides of it does, and while it is held who asked. It fails with NotFound.
func (c *Catalog) DataRequest(ctx context.Context, who auth.Principal, id uuid.UUID) (DataRequest, error) {
	r, err := pg.One[DataRequest](ctx, c.DB, dataRequestSQL, personOf(who), id)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, noDataRequest(id)
	} else if err != nil {
		return r, fmt.Errorf("read data request %s: %w", id, err)
	}
	own := r.State == Held && who.Person != uuid.Nil && r.Author == who.Person
	if (r.State == Held || r.State == Hidden) && !own && (!who.SignedIn() || c.mayDecide(ctx, who, r.AgencyID) != nil) {
		return DataRequest{}, noDataRequest(id)
	}
	list := []DataRequest{r}
	err = c.completeRequests(ctx, list)
	return list[0], err
}

func noDataRequest(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no data request %s", id).Coded("data-request-unknown", "id", id.String())
}

// RequestData asks for data, of an agency or of whoever has them. It is held
// when it looks suspicious, else the agency, or the operators, get a letter. It
// fails like Ask, and with Invalid for an agency that there is not.
func (c *Catalog) RequestData(ctx context.Context, who auth.Principal, n NewDataRequest) (DataRequest, error) {
	if err := aPerson(who); err != nil {
		return DataRequest{}, err
	}
	if err := checkSaid(&n.Title, &n.Text); err != nil {
		return DataRequest{}, err
	}
	if err := c.isAgency(ctx, n.Agency); n.Agency != uuid.Nil && err != nil {
		return DataRequest{}, err
	}
	id, now := uuid.Must(uuid.NewV7()), c.Now().UTC()
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if err := c.maySpeak(ctx, tx, who.Person, 1); err != nil {
			return err
		}
		why, err := c.suspicious(ctx, tx, n.Title+"\n"+n.Text)
		if err != nil {
			return err
		}
		state := Received
		if why != "" {
			state = Held
		}
		if err := execOne(ctx, tx, insertDataRequestSQL, id, who.Person, n.Agency, n.Title, n.Text, state,
			fingerprint(n.Title+"\n"+n.Text), now.Add(c.RequestDue), now); err != nil {
			return fmt.Errorf("ask for data: %w", err)
		}
		if _, err := tx.Exec(ctx, voteSQL, id, who.Person, now); err != nil {
			return fmt.Errorf("vote for data request %s: %w", id, err)
		}
		if state == Held {
			return nil
		}
		return c.tellOfRequest(ctx, tx, DataRequest{ID: id, Title: n.Title, Text: n.Text, AgencyID: n.Agency})
	})
	if err != nil {
		return DataRequest{}, err
	}
	return c.DataRequest(ctx, who, id)
}

func (c *Catalog) isAgency(ctx context.Context, agency uuid.UUID) error {
	found, err := c.Agencies(ctx, []uuid.UUID{agency})
	if err != nil {
		return err
	}
	if _, ok := found[agency]; !ok {
		return problem.Errorf(problem.Invalid, "no agency %s", agency).Coded("said-invalid").Wrong("agency", "not-in-list", "is not in the list")
	}
	return nil
}

// tellOfRequest has a letter written to those who are to decide.
func (c *Catalog) tellOfRequest(ctx context.Context, tx pgx.Tx, r DataRequest) error {
	return c.writeToAgency(ctx, tx, LetterRequest, r.AgencyID,
		LetterDetail{TitleVI: r.Title, Text: r.Text, Path: "/data-requests/" + r.ID.String()})
}

const (
	lockDataRequestSQL = `select state from catalog.data_request where id = $1 for update`

	unvoteSQL = `delete from catalog.data_request_vote where request_id = $1 and person = $2`

	countVotesSQL = `update catalog.data_request set votes = greatest(0, votes + $2) where id = $1`
)

// Vote says that who wants these data too, once a person; Unvote takes it back.
// They fail with Unauthorized, Forbidden, NotFound, and Conflict once the
// request is decided.
func (c *Catalog) Vote(ctx context.Context, who auth.Principal, id uuid.UUID) (DataRequest, error) {
	return c.votes(ctx, who, id, voteSQL, 1)
}

// Unvote is explained at Vote.
func (c *Catalog) Unvote(ctx context.Context, who auth.Principal, id uuid.UUID) (DataRequest, error) {
	return c.votes(ctx, who, id, unvoteSQL, -1)
}

func (c *Catalog) votes(ctx context.Context, who auth.Principal, id uuid.UUID, sql string, by int) (DataRequest, error) {
	if err := aPerson(who); err != nil {
		return DataRequest{}, err
	}
	if _, err := c.DataRequest(ctx, who, id); err != nil {
		return DataRequest{}, err
	}
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		var r DataRequest
		if err := tx.QueryRow(ctx, lockDataRequestSQL, id).Scan(&r.State); err != nil {
			return fmt.Errorf("lock data request %s: %w", id, err)
		}
		if !r.IsOpen() {
			return requestState(id, r.State)
		}
		args := []any{id, who.Person}
		if by > 0 {
			args = append(args, c.Now().UTC())
		}
		tag, err := tx.Exec(ctx, sql, args...)
		if err == nil && tag.RowsAffected() == 1 {
			_, err = tx.Exec(ctx, countVotesSQL, id, by)
		}
		if err != nil {
			return fmt.Errorf("vote for data request %s: %w", id, err)
		}
		return nil
	})
	if err != nil {
		return DataRequest{}, err
	}
	return c.DataRequest(ctx, who, id)
}

func requestState(id uuid.UUID, state string) error {
	return problem.Errorf(problem.Conflict, "data request %s is %s", id, state).Coded("data-request-state", "state", state)
}

// DataRequestMove is what an agency decides of a request.
type DataRequestMove struct {
	State   string `json:"state"`   // received, accepted, in-progress, published, declined, hidden
	Reason  string `json:"reason"`  // required to decline and to hide; at most 4000 bytes, public but for hidden
	Dataset string `json:"dataset"` // slug of the public dataset that answers it; required for published
}

// moves are the states that each state can be moved to.
var moves = map[string][]string{
	Held:       {Received, Hidden},
	Received:   {Accepted, InProgress, Published, Declined, Hidden},
	Accepted:   {InProgress, Published, Declined, Hidden},
	InProgress: {Accepted, Published, Declined, Hidden},
	Published:  {InProgress, Hidden},
	Declined:   {Received, Hidden},
	Hidden:     {Received},
}

// Moves are the states that a request can be moved to now.
func (r DataRequest) Moves() []string { return moves[r.State] }

const moveDataRequestSQL = `
update catalog.data_request
   set state = $2, reason = $3, dataset_id = $4, updated_at = $5
 where id = $1`

// MoveDataRequest decides of a request; who asked gets a letter, and those who
// are to decide when it was held. It fails with what May says of dataset.edit and
// dataset.approve for the agency (the platform's, while it has none), Invalid
// without the reason or the dataset, and Conflict from another state.
func (c *Catalog) MoveDataRequest(ctx context.Context, who auth.Principal, id uuid.UUID, m DataRequestMove) (DataRequest, error) {
	r, err := c.DataRequest(ctx, who, id)
	if err != nil {
		return r, err
	}
	if err := c.mayDecide(ctx, who, r.AgencyID); err != nil {
		return DataRequest{}, err
	}
	if m.State == Hidden || r.State == Held || r.State == Hidden { // moderation is the steward's
		if err := c.May(ctx, who, "dataset.approve", r.AgencyID); err != nil {
			return DataRequest{}, err
		}
	}
	dataset, err := c.checkMove(ctx, &m)
	if err != nil {
		return DataRequest{}, err
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		var former string
		if err := tx.QueryRow(ctx, lockDataRequestSQL, id).Scan(&former); err != nil {
			return fmt.Errorf("lock data request %s: %w", id, err)
		}
		if !slices.Contains(moves[former], m.State) {
			return requestState(id, former)
		}
		if err := execOne(ctx, tx, moveDataRequestSQL, id, m.State, m.Reason, dataset, c.Now().UTC()); err != nil {
			return fmt.Errorf("move data request %s: %w", id, err)
		}
		if err := c.tellOfMove(ctx, tx, r, former, m); err != nil {
			return err
		}
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "data-request.move", Agency: r.AgencyID, About: id,
			Detail: map[string]any{"from": former, "state": m.State, "reason": m.Reason, "dataset": m.Dataset}})
	})
	if err != nil {
		return DataRequest{}, err
	}
	return c.DataRequest(ctx, who, id)
}

// checkMove holds a move to what it needs, and finds the dataset.
func (c *Catalog) checkMove(ctx context.Context, m *DataRequestMove) (*uuid.UUID, error) {
	m.Reason, m.Dataset = clean(m.Reason), strings.TrimSpace(m.Dataset)
	e := problem.Errorf(problem.Invalid, "the decision is not complete").Coded("data-request-move")
	if _, known := moves[m.State]; !known || m.State == Held {
		e.Wrong("state", "not-in-list", "is not in the list")
	}
	if (m.State == Declined || m.State == Hidden) && m.Reason == "" || len(m.Reason) > 4000 {
		e.Wrong("reason", "reason-required", "is required")
	}
	if m.State != Published {
		m.Dataset = ""
	}
	var id *uuid.UUID
	if m.State == Published {
		d, err := c.DatasetBySlug(ctx, auth.Principal{}, m.Dataset)
		switch {
		case isHidden(err):
			e.Wrong("dataset", "dataset-unknown", "is no public dataset", "name", m.Dataset)
		case err != nil:
			return nil, err
		}
		id = &d.ID
	}
	if len(e.Fields) > 0 {
		return nil, e
	}
	return id, nil
}

func (c *Catalog) tellOfMove(ctx context.Context, tx pgx.Tx, r DataRequest, former string, m DataRequestMove) error {
	if former == Held && m.State == Received {
		return c.tellOfRequest(ctx, tx, r)
	}
	if m.State == Hidden || former == Hidden {
		return nil
	}
	return c.writeTo(ctx, tx, LetterRequestNow, r.Author,
		LetterDetail{TitleVI: r.Title, Text: m.Reason, State: m.State, Path: "/data-requests/" + r.ID.String()})
}

const assignDataRequestSQL = `update catalog.data_request set agency_id = $2, updated_at = $3 where id = $1`

// AssignDataRequest gives a request to an agency, whose people get a letter. It
// is the operator's to do: it fails with what May says of dataset.approve for the
// platform, Invalid for an unknown agency, and Conflict once it is decided.
func (c *Catalog) AssignDataRequest(ctx context.Context, who auth.Principal, id, agency uuid.UUID) (DataRequest, error) {
	r, err := c.DataRequest(ctx, who, id)
	if err != nil {
		return r, err
	}
	if err := c.May(ctx, who, "dataset.approve", uuid.Nil); err != nil {
		return DataRequest{}, err
	}
	if err := c.isAgency(ctx, agency); err != nil {
		return DataRequest{}, err
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, lockDataRequestSQL, id).Scan(&r.State); err != nil {
			return fmt.Errorf("lock data request %s: %w", id, err)
		}
		if !r.IsOpen() {
			return requestState(id, r.State)
		}
		if err := execOne(ctx, tx, assignDataRequestSQL, id, agency, c.Now().UTC()); err != nil {
			return fmt.Errorf("assign data request %s: %w", id, err)
		}
		r.AgencyID = agency
		if err := c.tellOfRequest(ctx, tx, r); err != nil {
			return err
		}
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "data-request.assign", Agency: agency, About: id})
	})
	if err != nil {
		return DataRequest{}, err
	}
	return c.DataRequest(ctx, who, id)
}
