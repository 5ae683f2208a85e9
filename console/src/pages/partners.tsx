export function PartnersPage() { return <p>later</p>; }
