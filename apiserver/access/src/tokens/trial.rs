//! Keys for tests, made by openssl for nothing else, and what openssl signed with them.

/// RSA, 2048 bits, PKCS #1.
pub(crate) const RSA: &str = "-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAquVgVmtjJpsxLDwC0fOMaIYxZ/thScIsw7qe+FFnSuDAYEFN
HKOk0sbb6OJ3TAj3CnjVAiNaNUghdppC+U1VVcvolrKEQc0cdNkosQllVUKjXuoS
lB3zTUIWZh0SaMppwS00wbgJjvfLM0DJYI9BPdLugePpjBWCs+OL4SE1AH/wVzgf
oHbQW6vnLSHMSchW45T3i+EOaYahLVceN+qqaPtwQTLq76R5yKVrGrepzfA2R+hW
bALiki5InOm+jQMokfO3XJEOFAbXeJNDJs3t7t175g+u1HTLSQIpIwaXubPSE1rJ
OYslVhSUymwq0z3mE9+QQlmfO7PZusP++FHUcQIDAQABAoIBADCb18AdAXHMuLrd
QuwW+zwL12e9L9n7+iGeJnN5LAk3TmDSki1wOoSdfZWLPOWKs0HuRqA6EAGRx7rl
e+FPZtNlkX2zvzy8K7jsv89DXehXcQKhT7GDp121S4u1/zOBR31j71qej1F0F/83
EVB+zs7X/XFCs35d6/Rg57ucZ2gBhPOuE+N3p9IwaFUvYjs7TNjYto+8YGVAbx6Q
+6vGHAO0pTl1eOKvpDyebmmnIioG0GzmYkiiVrpXj2d6+NbhKORxsy5OsrvYDpvp
A432S+DGg4AglREDbYdcsjD8G03E92dpQRNsR/tLGQx0Tksi1E/rgirk0IMhW+I0
Xff9f7UCgYEA2eUIryZcJT46gIePB2hb9kxLfQ+qtgbot0vW6AKbxQgNqfIuUMgN
liPXVovBkCV3+mtB3+gQRAvAaqtGHavlqfwMhX4sKAKS41TRfyYKe7ar4IreF7tD
qwK14qNLWZejYUYcQSAHOwX7rGSLj4wlIiuvNA/BcAStsU2ZxRpXbnMCgYEAyMhA
LBsTsCE3aZBU/dZY3IReZvbWK4mtI3pO8pbmK3Ymtpw3XnRSuAYN21FDsfTsKbzx
Zv8nNlmEiz4BEISw5U0mfwIBgt21kIUMP3pteo33PLLL5LlM1QiQc/XKl6lKgIjm
I2YWJ3x7V6uVAki+N2EAhrzKpfPiZYR+gQ4QtIsCgYBBaUo0GlXrMEUrtIYxeRiy
VbELuBpNTsGp1PCM8cuFWKeRbwyMX6IEgnnwlz/iX/0mhfBeoTHQ255F52jDG4l0
gB/aK0hiMnOaHypM+0SGYw4x+D437ZWgzs1/XfoOyUDYwM1Wl6DUDTXCSOTEkRPM
sESGYnx1flIOOfeBfijlFQKBgQDF6V4YG7iUbKmKTNL6Q0bkVzYWmEkUMWmRBwa6
6TOIs7YFWobZfB/tdUpDXR81Uw9XNP9fXzLvx912w2+ZMLKN1DaWCwwiSxillAA2
sh8oJrgGBNgmZODvPLnnE+jXBfCCMm9nhUFhOrr5+A+xaLLXM66pIX8/hd8r4iYw
YATncQKBgEwmBtKO3PdL0JY6oaIMp2BhK9vQPzQ4ZqSFfvt32Fiy22nW897WonaF
f4RU8zCOGoM3FyZFu4pVq4ttm85j6F3QSVGWk4gv60A11w8dbvEkitOOCTbL1PG9
ZTGEYecWNPDVbnujOoBjtkeFYP+mKV2pSDav40wyMLr/uKcM2bnK
-----END RSA PRIVATE KEY-----
";

/// The id of [`RSA`]: `openssl rsa -pubout -outform DER | openssl dgst -sha256 -binary`, in base64 for URLs.
pub(super) const RSA_ID: &str = "WzFxTXGrozc0QtboboYi3G6sehmIZcuW6VXPZWiU2ZQ";

/// Its modulus.
pub(super) const RSA_MODULUS: &str = "quVgVmtjJpsxLDwC0fOMaIYxZ_thScIsw7qe-FFnSuDAYEFNHKOk0sbb6OJ3TAj3CnjVAiNaNUghdppC-U1VVcvol\
    rKEQc0cdNkosQllVUKjXuoSlB3zTUIWZh0SaMppwS00wbgJjvfLM0DJYI9BPdLugePpjBWCs-OL4SE1AH_wVzgfoHbQW6vnLSHMSchW45T3i-EOaYahLVce\
    N-qqaPtwQTLq76R5yKVrGrepzfA2R-hWbALiki5InOm-jQMokfO3XJEOFAbXeJNDJs3t7t175g-u1HTLSQIpIwaXubPSE1rJOYslVhSUymwq0z3mE9-QQlmf\
    O7PZusP--FHUcQ";

/// P-521, SEC 1, with the parameters before it that openssl writes.
pub(super) const P521: &str = "-----BEGIN EC PARAMETERS-----
BgUrgQQAIw==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MIHcAgEBBEIBdaxz304ki4uB/uQ+DL0asSlNjSijQn5Ms8HCVC6Yk61aqomkiobZ
KuWEtzJwQE94TAf6PGI5LU64tqgsk8U8KMugBwYFK4EEACOhgYkDgYYABAFJUd+p
Vvozdxd+SKWKp9QnqudNa50ttQdB8eegSqd0N7XUSHS9IUnrMN3BbyCWLArd8soG
MDCrWB3BYcAoX4EfeAHiqwtF9TN51KuK6zFZlXUM/pgOUtrHe9BhHl3XbgIfuJW1
k72JLrA1+Cr9MndPN0I74nvdwRPCND9dlazSm+SmrQ==
-----END EC PRIVATE KEY-----
";

/// The id of [`P521`].
pub(super) const P521_ID: &str = "X256ZLQprWvLppYDBtKIBVT88MHtw2z7YUMGS8s7Ivc";

/// What openssl signed: the algorithm, the key, the header and the signature. The payload is `{"iss":"openssl"}`.
pub(super) const SIGNED: [(&str, &str, &str, &str); 4] = [
    (
        "RS256",
        RSA,
        "eyJhbGciOiJSUzI1NiJ9",
        "Z08xg9r6bAd3iRAwR_wsjXWYFfz4_jx5kL6K3smRR_lzK9mfC8Wjx84txKxajnrhXc7F795qC6JGpuI-Y3OaS7I1Rmi8JFwphdtwaDCMJ\
         yezvDimhSN_PI9uHxY2_zei0yHDJfN6FRirQ9pFtbJ5BQY874U8QHkHzMgE8eLS29PQDg5Sbt7H6RIM-IX1-U_JYzLIquX858OiPeZEHp\
         zTjOBioXnbBJhnPP8GG7JBzhdT2FjsY2UQDR5b7ckzm9ZdUiM99_jO05KbpE13TpGuRkZS9rehQcuici9i7sIKPgG7fvldpMED8qNo3HX\
         l4x7eCuw9m1P-m574hrEI_g8I6A",
    ),
    (
        "RS512",
        RSA,
        "eyJhbGciOiJSUzUxMiJ9",
        "V3B4IZ7mr9AXqT0b3tfRz8yJqONLvEY9QwwGSx5rzhV_LAKdPS-iI6Q7MMDlfRXixjegXyacTNo2kjqgOzh55FakzFTKhl0TP2Vz7SgGg\
         dtzvsNaBwEcuUICYKtBGBu_wKONOwv7pLqm2CVl5AFkYuC-0yOYSzBw-4w3cm6VBfC-qMMO-KPF7QPXRJOZnb7B0kVEngY4bIN7VLVxpM\
         lLbXdH8TRjlJDoVLiudQQe4ORuYZrSrSvLsD7PXP7LmvT8W-TGhn80bm98JCQOGpyCNLHjltbjMYCBPeWcJnsGMpd376JUbtPt05ifdaC\
         V8uWhr0bTwqLtzZBe6AaAECHYjw",
    ),
    (
        "PS256",
        RSA,
        "eyJhbGciOiJQUzI1NiJ9",
        "V_-xS_HbrgANNzWCtPL00g4DRJTFSoGA5F5wVENBdZpDfOwYaOIL_IUQek1AJJJGmGu7ZwDITiWK3DJkosUukgAG0-pZ1ZnvfNcebWsZO\
         cyQcr8NIGxBe0TNL_Bwy6QRT77uZuteleAHuq-yBPofN2HdYD_V-YQD_RA2ZaMWfPsytRPBC_0OoqqRcERvErkfopmcmpcYUB38ccy95t\
         neNWGRWUnFWbBumlPLPfLNhWv_s7xzNj3zzR0umsmbnv6iVsqaP8NVtnwsYRVxnTyBRAgtQlv70blW7G3J2AOnQLgQZzC6wwV8vYiHb-0\
         w4T9DcgQRAaJywTpUpDdk3AEsrA",
    ),
    (
        "ES512",
        P521,
        "eyJhbGciOiJFUzUxMiJ9",
        "ACpP8oacoBnUXmpMdomSzslgGwnbzHyKAQQ8fwpvFjFXdyDZP0CWT1TJqDvL-XC7Plvs-FrEVkXF7Yz9kQxnK59RAMt9TvbicPZTMn5XX\
         3rApjt-Y6dtJi4U4VhJ1EwXwiWPNz9hzFScyKCnMJunSEb81bJ5IOht7lsMZMHe83biRb0c",
    ),
];
