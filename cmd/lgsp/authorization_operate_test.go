package main

import (
	"time"

	"lgsp/auth"
)

// operate has an official invited to agency A.
func (w *world) operate() {
	w.t.Helper()
	i, err := w.auth.Invite(w.t.Context(), auth.Platform("test"), auth.NewInvitation{Agency: w.uuid("so-a"), Role: auth.RolePublisher, Email: "moi@so-a.example", Name: "Người được mời"})
	w.must(err)
	w.id["invitation"] = i.ID.String()
}

// operateAttempts are the calls of /api/v1 with which agencies are kept.
func (w *world) operateAttempts() []attempt {
	lastDay := time.Now().AddDate(0, 0, 7).Format(time.DateOnly)
	const change = `{"slug":"so-a","code":"H48.90","name_vi":"Sở A khác","name_en":"Department A"}`
	return []attempt{
		{"PUT /agencies/{slug}", "agency A", "/agencies/so-a", change},
		{"GET /agencies/{slug}/aliases", "agency A", "/agencies/so-a/aliases", ""},
		{"PUT /agencies/{id}/contact", "agency A", "/agencies/{so-a}/contact", `{"name":"Văn phòng"}`},
		{"GET /agencies/{id}/end", "agency A", "/agencies/{so-a}/end?successor={so-b}", ""},
		{"PUT /agencies/{id}/end", "agency A", "/agencies/{so-a}/end", `{"successor":"{so-b}","last_day":"` + lastDay + `","reason":"Sáp nhập"}`},
		{"DELETE /agencies/{id}/end", "agency A, none planned", "/agencies/{so-a}/end", ""},
		{"GET /agencies/{id}/onboarding", "agency A", "/agencies/{so-a}/onboarding", ""},
		{"GET /agencies/{id}/invitations", "agency A", "/agencies/{so-a}/invitations", ""},
		{"GET /agencies/{id}/invitations", "the platform", "/agencies/00000000-0000-0000-0000-000000000000/invitations", ""},
		{"POST /agencies/{id}/invitations", "agency A", "/agencies/{so-a}/invitations", `{"email":"b@so-a.example","name":"B","role":"publisher"}`},
		{"POST /agencies/{id}/invitations", "the platform", "/agencies/00000000-0000-0000-0000-000000000000/invitations", `{"email":"b@x.example","name":"B","role":"auditor"}`},
		{"POST /invitations/{id}/send", "agency A, sent a moment ago", "/invitations/{invitation}/send", ""},
		{"DELETE /invitations/{id}", "agency A", "/invitations/{invitation}", ""},
		{"POST /invitations/accept", "no link", "/invitations/accept", `{"token":"x"}`},
	}
}

// operatePages are the same for the pages.
func (w *world) operatePages() []attempt {
	lastDay := time.Now().AddDate(0, 0, 7).Format(time.DateOnly)
	const fields = "code=H48.90&name_vi=So+A+khac&name_en=Department+A"
	return []attempt{
		{"GET /operator/agencies", "", "/operator/agencies", ""},
		{"POST /operator/agencies", "", "/operator/agencies", "slug=so-moi&code=H48.99&name_vi=So+Moi&name_en=New&valid_from=2026-01-01"},
		{"GET /operator/agencies/new", "", "/operator/agencies/new", ""},
		{"GET /operator/agencies/{agency}", "agency A", "/operator/agencies/so-a", ""},
		{"POST /operator/agencies/{agency}", "agency A", "/operator/agencies/so-a", "slug=so-a&" + fields},
		{"GET /operator/agencies/{agency}/end", "agency A", "/operator/agencies/so-a/end?successor=so-b", ""},
		{"POST /operator/agencies/{agency}/end", "agency A", "/operator/agencies/so-a/end", "successor=so-b&reason=Sap+nhap&last_day=" + lastDay},
		{"POST /operator/agencies/{agency}/end/drop", "agency A, none planned", "/operator/agencies/so-a/end/drop", ""},
		{"GET /agency/{agency}/people", "agency A", "/agency/so-a/people", ""},
		{"POST /agency/{agency}/people/invite", "agency A", "/agency/so-a/people/invite", "email=b@so-a.example&name=B&role=publisher"},
		{"POST /agency/{agency}/people/remove", "agency A", "/agency/so-a/people/remove", "person={person publisher}&role=publisher"},
		{"POST /agency/{agency}/people/invitations/{invitation}/{step:send|withdraw}", "agency A", "/agency/so-a/people/invitations/{invitation}/withdraw", ""},
		{"POST /agency/{agency}/people/invitations/{invitation}/{step:send|withdraw}", "agency A, at agency B's desk", "/agency/so-b/people/invitations/{invitation}/withdraw", ""},
		{"POST /agency/{agency}/contact", "agency A", "/agency/so-a/contact", "focal_name=Van+phong"},
		{"GET /operator/people", "", "/operator/people", ""},
		{"POST /operator/people/invite", "", "/operator/people/invite", "email=b@x.example&name=B&role=auditor"},
		{"POST /operator/people/remove", "", "/operator/people/remove", "person={person auditor}&role=auditor"},
		{"POST /operator/people/invitations/{invitation}/{step:send|withdraw}", "agency A", "/operator/people/invitations/{invitation}/withdraw", ""},
		{"GET /invitation", "no link", "/invitation?token=x", ""},
		{"POST /invitation", "no link", "/invitation", "token=x"},
	}
}
