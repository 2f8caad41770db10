package agreement

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Request is what is asked for.
type Request struct {
	ApplicationID uuid.UUID  `json:"application_id"`
	VersionID     uuid.UUID  `json:"version_id"`
	Operations    []Wanted   `json:"operations"`
	Bounds        []Bounds   `json:"bounds"`         // what calls are held to besides, by operation
	Purpose       string     `json:"purpose"`        // code of a Purpose
	PurposeText   string     `json:"purpose_text"`   // what for, in the requester's words: 10 to 2,000 characters
	LegalBasis    string     `json:"legal_basis"`    // id of a LegalBasis
	Subjects      string     `json:"subjects"`       // whom or what the data is about: at most 500 characters, needed for personal data
	VolumePerDay  int        `json:"volume_per_day"` // calls expected on a day, within the plan; 0: not said, which personal data does not allow
	RetentionDays *int       `json:"retention_days"` // how long what is got is kept, 0: not at all, at most 36,500; null: not said, which personal data does not allow
	Onward        string     `json:"onward"`         // to whom it goes on, at most 2,000 characters; "": to nobody
	Starts        string     `json:"starts"`         // first day, YYYY-MM-DD
	Ends          string     `json:"ends"`           // last day, inclusive; at most 24 months after the first
	Note          string     `json:"note"`           // for the steward, at most 2,000 characters
	Replaces      *uuid.UUID `json:"replaces"`       // the running agreement of the same purpose that this one takes over from
}

const (
	maxMonths     = 24
	maxText       = 2000
	maxSubjects   = 500
	maxRetention  = 36_500 // days: a hundred years
	maxOperations = 100
	maxFieldBytes = 32 << 10 // of all paths together: they all go into one ledger entry
)

const (
	insertSQL = `
insert into agreement.agreement (id, revision, state, application_id, application_name, owner_name, owner_person_id,
  owner_agency_id, requester_id, requester_name, agency_id, version_id, service_vi, service_en, operations, purpose,
  purpose_text, legal_basis, starts, ends, note, replaces, plan, rate_per_minute, quota_per_day, requested_at, due_at,
  quota_per_month, subjects, volume_per_day, retention_days, onward, bounds)
values ($1, 1, 'requested', $2, $3, $4, nullif($5::uuid, '00000000-0000-0000-0000-000000000000'),
  nullif($6::uuid, '00000000-0000-0000-0000-000000000000'), $7, $8, $9, $10, $11, $12, $13, $14,
  $15, $16, $17::date, $18::date, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)`

	// Another agreement in force for the same purpose, within the period.
	overlapSQL = `
select to_char(ends, 'DD/MM/YYYY') as ends
  from agreement.agreement
 where application_id = $1 and version_id = $2 and purpose = $3 and state in ('active', 'suspended')
   and daterange(starts, ends, '[]') && daterange($4::date, $5::date, '[]') and ($6::uuid is null or id <> $6)
 order by ends desc
 limit 1`
)

// Request asks for an agreement on behalf of an application that who owns.
// When the plan decides by itself, no operation gives personal data and no
// sensitive value is asked for unmasked, it is in force at once. It fails with Invalid, field by field, with NotFound for a
// version or an application that is not there, with Conflict when the same is
// asked for already or agreed for the same days, or the version is deprecated
// and nothing is replaced, with Forbidden unless a person asks, and with what
// OwnsApplication returned.
func (a *Agreements) Request(ctx context.Context, who auth.Principal, r Request) (Agreement, error) {
	// Before the transaction: other rooms are asked, by connections of their own.
	draft, decision, err := a.draft(ctx, who, r)
	if err != nil {
		return Agreement{}, err
	}
	var g Agreement
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		if g, err = a.insert(ctx, tx, draft); err != nil {
			return err
		}
		if err := a.log(ctx, tx, who, g, change{verb: "request", what: "requested", text: g.Note, toAgency: true}); err != nil {
			return err
		}
		if decision != "automatic" || personal(g.Operations) || opens(g.Operations) {
			return nil
		}
		g, err = a.approve(ctx, tx, auth.Principal{Name: g.Plan}, g, approval{terms: g.Terms()})
		return err
	})
	return g, err
}

// insert keeps a draft as a request.
func (a *Agreements) insert(ctx context.Context, tx pgx.Tx, g Agreement) (Agreement, error) {
	var err error
	if g.RequesterName, err = a.NameOf(ctx, tx, g.RequesterID); err != nil {
		return Agreement{}, err
	}
	if g.OwnerPersonID != uuid.Nil {
		if g.OwnerName, err = a.NameOf(ctx, tx, g.OwnerPersonID); err != nil {
			return Agreement{}, err
		}
	}
	id := uuid.Must(uuid.NewV7())
	_, err = tx.Exec(ctx, insertSQL, id, g.ApplicationID, g.ApplicationName, g.OwnerName, g.OwnerPersonID, g.OwnerAgencyID,
		g.RequesterID, g.RequesterName, g.AgencyID, g.VersionID, g.ServiceVI, g.ServiceEN, g.Operations, g.Purpose,
		g.PurposeText, g.LegalBasis, g.Starts, g.Ends, g.Note, g.Replaces, g.Plan, g.RatePerMinute, g.QuotaPerDay,
		g.RequestedAt, g.DueAt, g.QuotaPerMonth, g.Subjects, g.VolumePerDay, g.RetentionDays, g.Onward, stored(g.Bounds))
	if pg.IsUnique(err, "agreement_one_requested") {
		return Agreement{}, problem.Errorf(problem.Conflict, "the same is asked for already and not decided").Coded("already-requested")
	} else if err != nil {
		return Agreement{}, fmt.Errorf("insert agreement: %w", err)
	}
	if err := a.startClock(ctx, tx, id); err != nil {
		return Agreement{}, err
	}
	return pg.One[Agreement](ctx, tx, getSQL, id)
}

// check gives the operations asked for and what is bound of them, as the offer
// describes them, or what is wrong with each field.
func (a *Agreements) check(ctx context.Context, r Request, offer Offer) ([]Operation, []Bounds, error) {
	wrong := problem.Errorf(problem.Invalid, "the request is not complete").Coded("request-invalid")
	operations := checkOperations(wrong, r.Operations, offer)
	bounds := checkBounds(wrong, r.Bounds, operations, offer)
	checkUse(wrong, r, personal(operations), offer)
	a.checkPeriod(wrong, r.Starts, r.Ends)
	if n := utf8.RuneCountInString(strings.TrimSpace(r.PurposeText)); n < 10 || n > maxText || !plain(r.PurposeText) {
		wrong.Wrong("purpose_text", "purpose-text", "say what for, in 10 to 2,000 characters")
	}
	if utf8.RuneCountInString(r.Note) > maxText || !plain(r.Note) {
		wrong.Wrong("note", "words-too-long", "at most 2,000 characters, no control characters")
	}
	purposes, err := pg.All[Purpose](ctx, a.DB, purposesSQL)
	if err != nil {
		return nil, nil, fmt.Errorf("list purposes: %w", err)
	}
	known := false
	for _, p := range purposes {
		known = known || p.Code == r.Purpose
	}
	if !known {
		wrong.Wrong("purpose", "purpose-unknown", "choose one of the purposes")
	}
	if code, err := a.citable(ctx, a.DB, r.LegalBasis); err != nil {
		return nil, nil, err
	} else if code != "" {
		wrong.Wrong("legal_basis", code, "name a clause that is in force")
	}
	if len(wrong.Fields) > 0 {
		return nil, nil, wrong
	}
	return operations, bounds, a.checkOthers(ctx, r)
}

// checkUse wants it said whose data it is, how much, how long it is kept and to
// whom it goes on; what is personal data leaves none of it open.
func checkUse(wrong *problem.Error, r Request, personal bool, offer Offer) {
	subjects := strings.TrimSpace(r.Subjects)
	switch {
	case personal && subjects == "":
		wrong.Wrong("subjects", "subjects-missing", "say whose data it is")
	case utf8.RuneCountInString(subjects) > maxSubjects || !plain(subjects):
		wrong.Wrong("subjects", "subjects-long", "at most 500 characters, no control characters")
	}
	switch {
	case r.VolumePerDay < 0 || personal && r.VolumePerDay == 0:
		wrong.Wrong("volume_per_day", "volume-missing", "say how many calls a day, 1 or more")
	case r.VolumePerDay > offer.QuotaPerDay:
		wrong.Wrong("volume_per_day", "volume-above-plan", "the plan allows fewer calls a day", "quota", strconv.Itoa(offer.QuotaPerDay))
	}
	if r.RetentionDays == nil && personal || r.RetentionDays != nil && (*r.RetentionDays < 0 || *r.RetentionDays > maxRetention) {
		wrong.Wrong("retention_days", "retention-invalid", "say how many days it is kept, 0 to 36,500")
	}
	if utf8.RuneCountInString(r.Onward) > maxText || !plain(r.Onward) {
		wrong.Wrong("onward", "words-too-long", "at most 2,000 characters, no control characters")
	}
}

// checkOperations takes the operations asked for from the offer.
func checkOperations(wrong *problem.Error, wanted []Wanted, offer Offer) []Operation {
	if len(wanted) == 0 || len(wanted) > maxOperations {
		wrong.Wrong("operations", "operations-count", "ask for 1 to 100 operations")
		return nil
	}
	offered := make(map[string]Operation, len(offer.Operations))
	for _, operation := range offer.Operations {
		offered[operation.ID] = operation
	}
	var out []Operation
	size, seen := 0, map[string]bool{}
	for _, want := range wanted {
		operation, ok := offered[want.Operation]
		switch {
		case !ok:
			wrong.Wrong("operations", "operation-not-offered", "operation "+want.Operation+" is not offered, or is open to all", "operation", want.Operation)
			continue
		case seen[want.Operation]:
			wrong.Wrong("operations", "operation-twice", "operation "+want.Operation+" is there twice", "operation", want.Operation)
			continue
		}
		seen[want.Operation] = true
		operation.Fields = checkFields(wrong, want, operation)
		operation.Sensitive = checkSensitive(wrong, want, operation.Fields, operation.Sensitive)
		for _, field := range operation.Fields {
			size += len(field.Path)
		}
		out = append(out, operation)
	}
	if size > maxFieldBytes {
		wrong.Wrong("operations", "fields-too-many", "too many fields: ask for what holds them")
	}
	return out
}

// checkFields takes the fields asked for from the operation's. One whose answer
// has no known fields is agreed as a whole: the pointer "" (RFC 6901 §5).
func checkFields(wrong *problem.Error, want Wanted, operation Operation) []Field {
	if len(operation.Fields) == 0 {
		operation.Fields = []Field{{Path: "", TitleVI: "Toàn bộ câu trả lời", TitleEN: "The whole answer"}}
		if len(want.Fields) == 0 {
			return operation.Fields
		}
	}
	offered := make(map[string]Field, len(operation.Fields))
	for _, field := range operation.Fields {
		offered[field.Path] = field
	}
	if len(want.Fields) == 0 {
		wrong.Wrong("operations", "fields-missing", "choose the fields of "+want.Operation, "operation", want.Operation)
		return nil
	}
	out := []Field{}
	seen := map[string]bool{}
	for _, path := range want.Fields {
		field, ok := offered[path]
		if !ok {
			wrong.Wrong("operations", "field-not-offered", want.Operation+" answers with no field "+path, "operation", want.Operation, "field", path)
		} else if !seen[path] {
			out = append(out, field)
		}
		seen[path] = true
	}
	return out
}

// checkPeriod wants a first and a last day, not over, at most 24 months apart.
func (a *Agreements) checkPeriod(wrong *problem.Error, first, last string) {
	starts, startsErr := time.Parse(dayLayout, first)
	ends, endsErr := time.Parse(dayLayout, last)
	if startsErr != nil {
		wrong.Wrong("starts", "day-invalid", "a day like 2026-12-31")
	}
	if endsErr != nil {
		wrong.Wrong("ends", "day-invalid", "a day like 2026-12-31")
	}
	if startsErr != nil || endsErr != nil {
		return
	}
	switch {
	case ends.Before(starts):
		wrong.Wrong("ends", "ends-before-starts", "the last day is before the first")
	case last < a.today():
		wrong.Wrong("ends", "ends-past", "the last day has passed")
	case ends.After(starts.AddDate(0, maxMonths, 0)):
		wrong.Wrong("ends", "period-too-long", "at most 24 months")
	}
}

// checkOthers wants no other agreement for the same days, but for the one that
// this takes over from.
func (a *Agreements) checkOthers(ctx context.Context, r Request) error {
	if r.Replaces != nil {
		old, err := pg.One[Agreement](ctx, a.DB, getSQL, *r.Replaces)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("read agreement %s: %w", *r.Replaces, err)
		}
		same := old.ApplicationID == r.ApplicationID && old.VersionID == r.VersionID && old.Purpose == r.Purpose
		if err != nil || !same || (old.State != Active && old.State != Suspended) || old.Ends < a.today() {
			return problem.Errorf(problem.Invalid, "it does not take over from %s", *r.Replaces).Coded("request-invalid").
				Wrong("replaces", "replaces-other", "not a running agreement of this application, version and purpose")
		}
		if last, err := time.Parse(dayLayout, old.Ends); err != nil || r.Starts > last.AddDate(0, 0, 1).Format(dayLayout) {
			return problem.Errorf(problem.Invalid, "a renewal leaves no gap after %s", old.Ends).Coded("request-invalid").
				Wrong("starts", "renewal-gap", "the day after the last of the running one at the latest", "ends", dayInWords(old.Ends))
		}
	}
	var ends string
	err := a.DB.QueryRow(ctx, overlapSQL, r.ApplicationID, r.VersionID, r.Purpose, r.Starts, r.Ends, r.Replaces).Scan(&ends)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	} else if err != nil {
		return fmt.Errorf("look for another agreement: %w", err)
	}
	return problem.Errorf(problem.Conflict, "another agreement for this purpose runs until %s", ends).Coded("already-agreed", "ends", ends)
}

func personal(operations []Operation) bool {
	for _, operation := range operations {
		if operation.Access == "personal" {
			return true
		}
	}
	return false
}

// plain is text that can be stored, and reads on a decision as it was written:
// UTF-8 without control characters other than line ends and tabs, and without
// those that turn what follows round.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		turns := r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
		return turns || unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}
