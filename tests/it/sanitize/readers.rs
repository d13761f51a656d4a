//! What the readers of axum make of a body is what was looked at: no spelling of a request shows the two another body.

use axum::Router;
use axum::extract::{Form, Json, Multipart};
use axum::routing::any;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use tower::ServiceExt;
use tower_security::sanitize::html::HtmlPolicy;
use tower_security::sanitize::{MultipartRules, SanitizeBuilder, SanitizeLayer};

const TAG: &str = "<img src=x onerror=a()>";

#[derive(Deserialize)]
struct Profile {
    bio: String,
}

#[derive(Deserialize)]
struct Book {
    author: Profile,
}

#[derive(Deserialize)]
struct Shelf {
    books: Vec<Profile>,
}

/// All fields with their file names.
async fn upload(mut parts: Multipart) -> Result<String, StatusCode> {
    let mut all = String::new();
    while let Some(part) = parts.next_field().await.map_err(|error| error.status())? {
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().unwrap_or_default().to_owned();
        let text = part.text().await.map_err(|error| error.status())?;
        all.push_str(&format!("{name}|{file}|{text};"));
    }
    Ok(all)
}

fn router(layer: SanitizeLayer) -> Router {
    Router::new()
        .route("/json", any(|Json(read): Json<Profile>| async { read.bio }))
        .route(
            "/book",
            any(|Json(read): Json<Book>| async { read.author.bio }),
        )
        .route(
            "/shelf",
            any(|Json(read): Json<Shelf>| async {
                let all = read.books.into_iter().map(|book| book.bio);
                all.collect::<Vec<_>>().join(" ")
            }),
        )
        .route("/form", any(|Form(read): Form<Profile>| async { read.bio }))
        .route("/upload", any(upload))
        .layer(layer)
}

async fn sent(
    layer: &SanitizeLayer,
    method: &str,
    path: &str,
    media_type: &str,
    body: &str,
) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "app.example")
        .header("content-type", media_type)
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap();
    let request = request.map(axum::body::Body::new);
    let answer = router(layer.clone()).oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn html(builder: SanitizeBuilder) -> SanitizeLayer {
    builder
        .multipart(MultipartRules::buffered())
        .html_json("/bio", HtmlPolicy::basic())
        .html_json("/author/bio", HtmlPolicy::basic())
        .html_json("/books/*/bio", HtmlPolicy::basic())
        .html_form("bio", HtmlPolicy::basic())
        .build()
        .unwrap()
}

fn part(disposition: &str, text: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{text}\r\n--XX--\r\n")
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=XX";

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn no_field_of_html_gets_to_a_reader_of_axum_as_it_came() {
    let strict = || html(SanitizeLayer::builder());
    let compatible = || {
        let builder = SanitizeLayer::builder().compatible();
        html(builder)
    };
    let named = |disposition: &str| part(disposition, TAG);
    let two =
        format!("--a\\b\r\nContent-Disposition: form-data; name=\"bio\"\r\n\r\n{TAG}\r\n--a\\b--");
    let two =
        format!("--ab\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{two}\r\n--ab--\r\n");
    let dirty = [
        ("/json", JSON, format!("{{\"bio\":\"{TAG}\"}}")),
        // serde reads a structure from an array as well: its fields by their places.
        ("/json", JSON, format!("[\"{TAG}\"]")),
        (
            "/json",
            JSON,
            "[\"\\u003cimg src=x onerror=a()>\"]".to_owned(),
        ),
        ("/book", JSON, format!("{{\"author\":[\"{TAG}\"]}}")),
        ("/book", JSON, format!("[[\"{TAG}\"]]")),
        ("/book", JSON, format!("[{{\"bio\":\"{TAG}\"}}]")),
        (
            "/shelf",
            JSON,
            format!("{{\"books\":[{{\"bio\":\"a\"}},[\"{TAG}\"]]}}"),
        ),
        ("/shelf", JSON, format!("[[{{\"bio\":\"{TAG}\"}}]]")),
        (
            "/json",
            "application/json+x",
            format!("{{\"bio\":\"{TAG}\"}}"),
        ),
        ("/form", FORM, format!("bio={TAG}")),
        // axum compares the beginning of the type alone.
        (
            "/form",
            "application/x-www-form-urlencoded+json",
            format!("[\"&bio={TAG}&\"]"),
        ),
        (
            "/form",
            "application/x-www-form-urlencoded-x",
            format!("bio={TAG}"),
        ),
        ("/upload", PARTS, named("name=\"bio\"")),
        // multer takes what stands behind its own word for the word.
        ("/upload", PARTS, named("namename=bio; name=\"a\"")),
        ("/upload", PARTS, named("filenamename=bio; name=\"a\"")),
        (
            "/upload",
            PARTS,
            named("filename=\"namename=bio;.txt\"; name=\"a\""),
        ),
        // An escape in a quoted string: multer takes it for two characters.
        ("/upload", "multipart/form-data; boundary=\"a\\b\"", two),
        (
            "/upload",
            "multipart/form-data+x; boundary=XX",
            named("name=\"bio\""),
        ),
    ];
    for layer in [strict(), compatible()] {
        let mut dirty_still = Vec::new();
        for (path, media_type, body) in &dirty {
            let (_, read) = sent(&layer, "POST", path, media_type, body).await;
            if read.contains("<img") {
                dirty_still.push((media_type, body, read));
            }
        }
        assert!(dirty_still.is_empty(), "{dirty_still:#?}");
        let clean = [
            ("/json", JSON, "[\"a & b\"]", "a & b"),
            ("/json", JSON, "{\"bio\":\"<b>a</b>\"}", "<b>a</b>"),
            ("/book", JSON, "[{\"bio\":\"a\"}]", "a"),
            (
                "/shelf",
                JSON,
                "{\"books\":[{\"bio\":\"<b>a</b>\"},[\"b\"]]}",
                "<b>a</b> b",
            ),
            ("/form", FORM, "bio=a", "a"),
        ];
        for (path, media_type, body, expected) in clean {
            let read = sent(&layer, "POST", path, media_type, body).await;
            assert_eq!(read, (StatusCode::OK, expected.to_owned()), "{body}");
        }
        let read = sent(&layer, "POST", "/upload", PARTS, &part("name=\"bio\"", "a")).await;
        assert_eq!(read, (StatusCode::OK, "bio||a;".to_owned()));
    }
}

#[tokio::test]
async fn no_body_gets_to_a_reader_of_axum_unexamined() {
    let layer = SanitizeLayer::compatible();
    let evil = part("name=\"a\"; filename=\"../a\"", "b");
    let other = part(
        "xfilenamefilename=\"../a\"; name=\"a\"; filename=\"b\"",
        "c",
    );
    let mut unexamined = Vec::new();
    for (path, media_type, body) in [
        ("/json", JSON, "{\"__proto__\":1,\"bio\":\"a\"}"),
        (
            "/json",
            "application/json+x",
            "{\"__proto__\":1,\"bio\":\"a\"}",
        ),
        (
            "/json",
            "application/JSON+x;a=b",
            "{\"__proto__\":1,\"bio\":\"a\"}",
        ),
        ("/form", FORM, "bio=%00"),
        ("/form", "application/x-www-form-urlencoded2", "bio=%00"),
        ("/form", "application/x-www-form-urlencoded+x", "bio=%00"),
        ("/upload", PARTS, &evil),
        ("/upload", PARTS, &other),
        ("/upload", "multipart/form-data+x; boundary=XX", &evil),
    ] {
        for method in ["POST", "CONNECT"] {
            let (status, _) = sent(&layer, method, path, media_type, body).await;
            if !status.is_client_error() {
                unexamined.push((method, media_type, body));
            }
        }
    }
    assert!(unexamined.is_empty(), "{unexamined:#?}");
    for (path, media_type, body, expected) in [
        ("/json", "application/json+x", "{\"bio\":\"a\"}", "a"),
        (
            "/json",
            "application/merge-patch+json",
            "{\"bio\":\"a\"}",
            "a",
        ),
        (
            "/form",
            "application/x-www-form-urlencoded;a=b",
            "bio=a",
            "a",
        ),
    ] {
        let read = sent(&layer, "POST", path, media_type, body).await;
        assert_eq!(read, (StatusCode::OK, expected.to_owned()), "{media_type}");
    }
}
