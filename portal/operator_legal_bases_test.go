package portal

import (
	"net/url"
	"testing"

	"lgsp/agreement"
	"lgsp/auth"
)

func TestOperatorKeepsLegalBases(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.sees(t, "/legal-bases", 200, "Nghị định 194/2025/NĐ-CP", "chưa xác nhận", "2 ngày làm việc", "mục tiêu của tỉnh")
	g, err := w.Agreements.Request(t.Context(), w.who, agreement.Request{
		ApplicationID: w.app.ID, VersionID: w.version.ID, Operations: []agreement.Wanted{{Operation: "xem-nguoi-co-cong", Fields: []string{"/hoTen"}}},
		Purpose: "thu-tuc", PurposeText: "Cho người dân xem hồ sơ của mình.", LegalBasis: "luat-60-2024-d11-2b", Starts: "2026-11-23", Ends: "2027-01-01",
		Subjects: "Người có công", VolumePerDay: 10, RetentionDays: new(0)})
	if err != nil {
		t.Fatal(err)
	}
	at := "/operator/legal-bases/luat-60-2024-d11-2b"
	w.as(t, auth.RoleSteward)
	for _, path := range []string{"/operator/legal-bases", at} {
		w.sees(t, path, 403)
	}
	w.refused(t, at+"/withdraw", url.Values{"withdraw_reason": {"Bị bãi bỏ"}}, 403)
	w.as(t, auth.RoleAuditor)
	w.sees(t, at, 200, "Đang dựa vào")
	w.refused(t, "/operator/legal-bases", url.Values{"id": {"qd-1"}}, 403)
	w.as(t, auth.RoleOperator)
	w.sees(t, "/operator/legal-bases", 200, "Luật Dữ liệu", "Thêm một căn cứ")
	form := url.Values{"id": {"qd-1-2026"}, "document_vi": {"Quyết định 1/2026"}, "document_en": {"Decision 1/2026"}, "article_vi": {"Điều 1"}, "article_en": {"Article 1"},
		"text_vi": {"Chia sẻ"}, "text_en": {"Shared"}, "source": {"Đã đọc văn bản"}, "working_days": {"x"}, "reason": {"Văn bản mới"}}
	w.refused(t, "/operator/legal-bases", form, 400, `value="qd-1-2026"`, `id="f-working_days-error"`)
	form.Set("working_days", "")
	w.sends(t, "/operator/legal-bases", form, "/operator/legal-bases/qd-1-2026")
	w.refused(t, "/operator/legal-bases", form, 409, `id="f-id-error"`)
	w.refused(t, "/operator/legal-bases/qd-1-2026/version", form, 400, `id="f-valid_from-error"`)
	form.Set("valid_from", "2027-01-01")
	w.sends(t, "/operator/legal-bases/qd-1-2026/version", form, "/operator/legal-bases/qd-1-2026-v2")
	w.sees(t, "/operator/legal-bases/qd-1-2026", 200, "phiên bản sau", ">31/12/2026<", "Văn bản mới")
	w.refused(t, "/operator/legal-bases/qd-1-2026/confirm", url.Values{"read": {"yes"}, "confirm_source": {"Đã đọc"}}, 400, `id="f-confirm_reason-error"`)
	w.sends(t, "/operator/legal-bases/qd-1-2026/confirm", url.Values{"read": {"yes"}, "confirm_source": {"Đã đọc toàn văn"}, "confirm_reason": {"Có toàn văn"}}, "/operator/legal-bases/qd-1-2026")
	w.sees(t, "/operator/legal-bases/qd-1-2026", 200, "đã xác nhận", "Đã đọc toàn văn")
	w.sees(t, at, 200, "/agreements/"+g.ID.String())
	w.refused(t, at+"/withdraw", url.Values{"last_day": {"2020-01-01"}, "withdraw_reason": {"Bị bãi bỏ"}}, 400, `id="f-last_day-error"`)
	w.sends(t, at+"/withdraw", url.Values{"withdraw_reason": {"Bị bãi bỏ"}}, at)
	w.sees(t, at, 200, "đã rút", "Bị bãi bỏ", "căn cứ hết hiệu lực")
	w.sees(t, "/operator/legal-bases/khong-co", 404)
	w.as(t, auth.RoleSteward)
	w.sees(t, office, 200, "căn cứ hết hiệu lực", "cần quyết định")
	w.sees(t, "/agreements/"+g.ID.String(), 200, "Căn cứ pháp lý không còn hiệu lực")
	w.refused(t, "/agreements/"+g.ID.String()+"/approve", nil, 409, "Căn cứ hết hiệu lực")
	w.sees(t, "/legal-bases", 200, "đã rút", "Bị bãi bỏ")
}
