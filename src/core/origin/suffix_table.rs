//! Where strangers get names: second-level registries and hosting services.

/// Second-level labels that country registries sell names under, such as `co` of `co.uk`.
pub(super) const SECOND_LEVEL: [&str; 20] = [
    "ac", "asn", "co", "com", "edu", "gen", "go", "gob", "gouv", "gov", "govt", "ltd", "mil", "ne",
    "net", "nom", "or", "org", "plc", "sch",
];

/// Domains of services that hand out names below them to anybody.
#[rustfmt::skip]
pub(super) const HOSTING: [&str; 102] = [
    "amplifyapp.com", "app.github.dev", "appspot.com", "awsapprunner.com", "azure-api.net", "azurecontainerapps.io",
    "azureedge.net", "azurefd.net", "azurestaticapps.net", "azurewebsites.net", "b-cdn.net",
    "blob.core.windows.net", "blogspot.com", "bolt.host", "bubbleapps.io", "cdn.cloudflare.net",
    "cloudapp.azure.com", "cloudapp.net", "cloudfront.net", "cloudfunctions.net", "code.run", "csb.app", "ddns.net",
    "deno.dev", "devtunnels.ms", "digitaloceanspaces.com", "duckdns.org", "dyndns.org", "edgecompute.app",
    "elasticbeanstalk.com", "eu.org", "firebaseapp.com", "fly.dev", "framer.app", "framer.website", "gitbook.io",
    "github.io", "githubpreview.dev", "githubusercontent.com", "gitlab.io", "gitpod.io", "glitch.me",
    "global.ssl.fastly.net", "herokuapp.com", "hf.space", "hopto.org", "hosted.app", "koyeb.app", "lhr.life",
    "loca.lt", "lovable.app", "myfritz.net", "myshopify.com", "neocities.org", "netlify.app", "ngrok-free.app",
    "ngrok-free.dev", "ngrok.app", "ngrok.dev", "ngrok.io", "nip.io", "no-ip.org", "notion.site", "now.sh",
    "on.aws", "ondigitalocean.app", "onrender.com", "pages.dev", "pantheonsite.io", "platformsh.site",
    "pythonanywhere.com", "r2.dev", "readthedocs.io", "repl.co", "replit.app", "replit.dev", "run.app",
    "s3.amazonaws.com", "serveo.net", "sslip.io", "streamlit.app", "supabase.co", "surge.sh", "synology.me",
    "trafficmanager.net", "translate.goog", "trycloudflare.com", "tumblr.com", "up.railway.app", "usercontent.goog",
    "vercel.app", "vercel.dev", "web.app", "web.core.windows.net", "webcontainer.io", "webflow.io", "weebly.com",
    "wixsite.com", "wixstudio.com", "wordpress.com", "workers.dev", "zapto.org",
];
