// Tells the server the reader's time zone, in a cookie: the days in `before:` and `after:` of a search are the reader's.

const COOKIE = "time_zone";
/** As long as browsers keep cookies, 400 days. */
const MAX_AGE_S = 34_560_000;

export function rememberTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || document.cookie.split("; ").includes(`${COOKIE}=${zone}`)) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${COOKIE}=${zone}; Path=/; Max-Age=${MAX_AGE_S}; SameSite=Lax${secure}`;
}
