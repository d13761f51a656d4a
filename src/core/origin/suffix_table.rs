//! Where strangers get names: second-level registries and hosting services.

/// Second-level labels that country registries sell names under, such as `co` of `co.uk`.
pub(super) const SECOND_LEVEL: [&str; 20] = [
    "ac", "asn", "co", "com", "edu", "gen", "go", "gob", "gouv", "gov", "govt", "ltd", "mil", "ne",
    "net", "nom", "or", "org", "plc", "sch",
];

/// Domains of services that hand out names directly below them to anybody: `me.github.io`.
#[rustfmt::skip]
pub(super) const HOSTING: [&str; 81] = [
    "amplifyapp.com", "app.github.dev", "appspot.com", "azureedge.net", "b-cdn.net", "blob.core.windows.net", "blogspot.com",
    "bolt.host", "bubbleapps.io", "cdn.cloudflare.net", "cloudapp.net", "cloudfront.net", "cloudfunctions.net", "csb.app",
    "ddns.net", "deno.dev", "duckdns.org", "dyndns.org", "edgecompute.app", "eu.org", "firebaseapp.com", "fly.dev",
    "framer.app", "framer.website", "gitbook.io", "github.io", "githubpreview.dev", "githubusercontent.com", "gitlab.io",
    "glitch.me", "global.ssl.fastly.net", "herokuapp.com", "hf.space", "hopto.org", "koyeb.app", "lhr.life", "loca.lt",
    "lovable.app", "myfritz.net", "myshopify.com", "neocities.org", "netlify.app", "ngrok-free.app", "ngrok-free.dev",
    "ngrok.app", "ngrok.dev", "nip.io", "no-ip.org", "notion.site", "now.sh", "ondigitalocean.app", "onrender.com",
    "pages.dev", "pantheonsite.io", "pythonanywhere.com", "r2.dev", "readthedocs.io", "repl.co", "replit.app", "serveo.net",
    "sslip.io", "streamlit.app", "supabase.co", "surge.sh", "synology.me", "trafficmanager.net", "translate.goog",
    "trycloudflare.com", "tumblr.com", "up.railway.app", "vercel.app", "vercel.dev", "web.app", "webcontainer.io",
    "webflow.io", "weebly.com", "wixsite.com", "wixstudio.com", "wordpress.com", "workers.dev", "zapto.org",
];

/// Domains of services that put a region between themselves and a customer: `me-uc.a.run.app`. Some hand out names directly below
/// them, too.
#[rustfmt::skip]
pub(super) const REGIONAL: [&str; 22] = [
    "awsapprunner.com", "azure-api.net", "azurecontainer.io", "azurecontainerapps.io", "azurefd.net",
    "blob.storage.azure.net", "cloudapp.azure.com", "code.run", "devtunnels.ms", "digitaloceanspaces.com",
    "elasticbeanstalk.com", "gitpod.io", "hosted.app", "linodeobjects.com", "ngrok.io", "platformsh.site", "r.appspot.com",
    "replit.dev", "run.app", "usercontent.goog", "web.core.windows.net", "web.storage.azure.net",
];

/// Domains of services whose customers stand at more than one depth, and have nothing below them:
/// `me.s3.eu-west-1.amazonaws.com`, `me.westeurope.2.azurestaticapps.net`.
#[rustfmt::skip]
pub(super) const WHOLE: [&str; 5] = [
    "amazonaws.com", "amazonaws.com.cn", "azurestaticapps.net", "azurewebsites.net", "on.aws",
];
