// Where Slack's types say less than Slack's pages: what stands here is taken as right. Each with the page that says so.
export const GAPS = [];
