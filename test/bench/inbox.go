package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	inboxSize  = 20_000 // agreements of the steward's agency, of which one in ten waits
	inboxPages = 150    // of each kind
)

// fillInbox, SQL, makes agreements on 40 services of the steward's agency, of 300
// applicants, and as many notices to the steward.
const fillInbox = `
with steward as (
  select m.person_id, m.agency_id from auth.membership m join auth.person p on p.id = m.person_id and p.email = $1 where m.role = 'steward' limit 1),
asked as (
insert into agreement.agreement (id, revision, state, application_id, application_name, owner_name, owner_agency_id, requester_id, requester_name,
       agency_id, version_id, service_vi, service_en, operations, purpose, purpose_text, legal_basis, starts, ends, note, plan,
       rate_per_minute, quota_per_day, requested_at, due_at, decided_at, decided_by, reason)
select gen_random_uuid(), 1, case when n % 10 = 0 then 'requested' else 'active' end, gen_random_uuid(), 'Ứng dụng xã ' || n, 'Đơn vị ' || n % 300,
       md5('owner ' || n % 300)::uuid, s.person_id, 'Người hỏi', s.agency_id, md5('service ' || n % 40)::uuid, 'Dịch vụ ' || n % 40 || ' v1', 'Service ' || n % 40 || ' v1',
       '[]', 'thu-tuc', 'Phục vụ thủ tục hành chính số ' || n || ' tại xã', 'luat-60-2024-d11-2b', '2026-01-01', '2030-01-01', '', 'standard', 60, 1000,
       now() - n * interval '1 minute', now() + (5000 - n) * interval '1 minute', case when n % 10 > 0 then now() end, null, ''
  from generate_series(1, $2::int) n, steward s)
insert into portal.notice (id, person_id, event, kind, what, body, created_at, read_at, mail)
select gen_random_uuid(), s.person_id, gen_random_uuid(), 'request', 'requested', '{"what":"requested","application":"Ứng dụng xã","service_vi":"Dịch vụ v1"}', now(),
       case when n % 50 > 0 then now() end, 'off'
  from generate_series(1, $2::int) n, steward s`

// inboxKinds are the pages that a steward opens, by what they cost.
var inboxKinds = []struct {
	name  string
	asked []string
}{
	{"what waits, the first page and further ones", []string{"requests", "requests?overdue=yes", "requests?state=active"}},
	{"narrowed by service or applicant", []string{"requests?service=SERVICE", "requests?state=active&service=SERVICE", "requests?owner=OWNER", "requests?state=active&owner=OWNER"}},
	{"searched, with marks and without", []string{"requests?q=" + url.QueryEscape("ứng dụng 1999"), "requests?state=active&q=ung+dung", "requests?state=active&q=don+vi+299+thu+tuc", "requests?q=" + url.QueryEscape("hộ tịch")}},
	{"the steward's own notices", []string{"/account/notices", "/account/notices?unread=yes", "/account/notices?kind=request"}},
}

// measureInbox fills the desk of the demo's steward and opens its pages, one at
// a time.
func measureInbox(ctx context.Context, p *platform) ([]searchFigures, error) {
	b, err := newBrowser(p, "steward")
	if err != nil {
		return nil, err
	}
	if _, err := p.db.Exec(ctx, fillInbox, b.email, inboxSize); err != nil {
		return nil, fmt.Errorf("fill the desk: %w", err)
	}
	if _, err := p.db.Exec(ctx, `analyze agreement.agreement, portal.notice`); err != nil {
		return nil, fmt.Errorf("analyze: %w", err)
	}
	var desk, service, owner string
	err = p.db.QueryRow(ctx, `
select a.slug, md5('service 10'), md5('owner 130')
  from auth.membership m join auth.person p on p.id = m.person_id and p.email = $1 join auth.agency a on a.id = m.agency_id
 where m.role = 'steward' limit 1`, b.email).Scan(&desk, &service, &owner)
	if err != nil {
		return nil, fmt.Errorf("find the desk: %w", err)
	}
	if _, err := b.signIn(ctx); err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("SERVICE", service, "OWNER", owner)
	var list []searchFigures
	for _, kind := range inboxKinds {
		var took []float64
		for i := range inboxPages {
			address := fill.Replace(kind.asked[i%len(kind.asked)])
			if !strings.HasPrefix(address, "/") {
				address = "/agency/" + desk + "/" + address
			}
			began := time.Now()
			status, _, text, err := b.open(ctx, p.portal+address, nil)
			if err != nil {
				return nil, err
			}
			if status != 200 {
				return nil, fmt.Errorf("%s: %d: %.300s", address, status, text)
			}
			took = append(took, milliseconds(time.Since(began)))
		}
		list = append(list, searchFigures{Name: kind.name, Calls: len(took), P50: percentile(took, 50), P95: percentile(took, 95)})
	}
	return list, nil
}

// inbox writes the table of the steward's pages.
func (r report) inbox(b *strings.Builder) {
	fmt.Fprintf(b, "\n## The steward's inbox, %d agreements\n\n", inboxSize)
	table(b, "pages", "calls", "p50 ms", "p95 ms")
	for _, s := range r.Inbox {
		fmt.Fprintf(b, "| %s | %d | %.1f | %.1f |\n", s.Name, s.Calls, s.P50, s.P95)
	}
	b.WriteString("\nOver HTTP, signed in, one at a time, to the last byte.\n")
}
